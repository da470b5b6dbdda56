"""The mutations. A refusal that the caller can mend is in `userErrors`; a forbidden operation is an error."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver

from tenantry.controlplane.graphql.context import Info
from tenantry.controlplane.graphql.types import (
    ApiKey,
    AppliedDefinition,
    Definition,
    DefinitionKind,
    Finding,
    RateCard,
    Tenant,
    UserError,
    to_api_key,
    to_applied_definition,
    to_definition,
    to_finding,
    to_rate_card,
    to_tenant,
)
from tenantry.controlplane.services.errors import ForbiddenError, RejectedError, ServiceError
from tenantry.tenants.metering import Meter
from tenantry.tenants.roles import Role


@strawberry.type(description="A created or updated tenant.")
class TenantPayload:
    """A created or updated tenant."""

    tenant: Tenant | None = None
    findings: list[Finding] = strawberry.field(default_factory=list)
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What an apply did; nothing when there are user errors.")
class ApplyDefinitionsPayload:
    """What an apply did; nothing when there are user errors."""

    definitions: list[AppliedDefinition] = strawberry.field(default_factory=list)
    findings: list[Finding] = strawberry.field(default_factory=list)
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="The version that was labelled, or the current one of what lost a label.")
class LabelPayload:
    """The version that was labelled, or the current one of what lost a label."""

    definition: Definition | None = None
    findings: list[Finding] = strawberry.field(default_factory=list)
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A new API key. Its token is shown this once; only its hash is kept.")
class IssueApiKeyPayload:
    """A new API key."""

    api_key: ApiKey | None = None
    token: str | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A revoked API key.")
class RevokeApiKeyPayload:
    """A revoked API key."""

    api_key: ApiKey | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A tenant's new prices.")
class RateCardPayload:
    """A tenant's new prices."""

    rate_card: RateCard | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="The price of one unit of a meter, a decimal such as 0.000001.")
class PriceInput:
    """The price of one unit of a meter."""

    meter: Meter
    price: str


async def _create_tenant(info: Info, text: str) -> TenantPayload:
    """Creates the tenant that a WorkflowTenant document, YAML or JSON, describes."""
    context = info.context
    return TenantPayload(tenant=to_tenant(await context.services.tenants.create(context.actor, text)))


async def _update_tenant(info: Info, text: str) -> TenantPayload:
    """Replaces the document of the tenant that a WorkflowTenant document names."""
    context = info.context
    return TenantPayload(tenant=to_tenant(await context.services.tenants.update(context.actor, text)))


async def _apply_definitions(
    info: Info, tenant: str, text: str, *, dry_run: bool = False, force: bool = False
) -> ApplyDefinitionsPayload:
    """Applies the Workflow and WorkflowTask documents of a YAML or JSON text, all or none of them.

    With `force`, stored workflows may stop being valid; they are marked, and the audit log says who did it.
    """
    context = info.context
    applied = await context.services.definitions.apply(
        context.actor, tenant, text, is_dry_run=dry_run, is_forced=force
    )
    return ApplyDefinitionsPayload(
        definitions=[to_applied_definition(definition) for definition in applied.definitions],
        findings=[to_finding(finding) for finding in applied.findings],
    )


async def _put_label(
    info: Info, tenant: str, kind: DefinitionKind, name: str, *, label: str, version: int
) -> LabelPayload:
    """Gives a version of a definition a label such as `stable`; whichever had it loses it."""
    context = info.context
    row = await context.services.labels.put(
        context.actor, tenant, kind.value, name, label=label, version=version
    )
    return LabelPayload(definition=to_definition(row))


async def _remove_label(info: Info, tenant: str, kind: DefinitionKind, name: str, label: str) -> LabelPayload:
    """Takes a label away from whichever version has it; refused while stored workflows refer to it."""
    context = info.context
    row = await context.services.labels.remove(context.actor, tenant, kind.value, name, label=label)
    return LabelPayload(definition=to_definition(row))


async def _issue_api_key(
    info: Info, tenant: str, role: Role, name: str, *, expires_at: datetime | None = None
) -> IssueApiKeyPayload:
    """Issues an API key. One key is in force under a name, so repeating this issues no second one."""
    context = info.context
    issued = await context.services.api_keys.issue(
        context.actor, tenant, name=name, role=role, expires_at=expires_at
    )
    return IssueApiKeyPayload(api_key=to_api_key(issued.key), token=issued.token)


async def _revoke_api_key(
    info: Info, tenant: str, key_id: Annotated[strawberry.ID, strawberry.argument(name="id")]
) -> RevokeApiKeyPayload:
    """Revokes an API key at once; one that is revoked stays so."""
    context = info.context
    key = await context.services.api_keys.revoke(context.actor, tenant, key_id)
    return RevokeApiKeyPayload(api_key=to_api_key(key))


async def _set_rate_card(info: Info, tenant: str, currency: str, prices: list[PriceInput]) -> RateCardPayload:
    """Prices what a tenant uses from now on; a meter without a price is free. Past usage is not repriced."""
    context = info.context
    card = await context.services.tenants.set_rate_card(
        context.actor, tenant, currency, [(price.meter, price.price) for price in prices]
    )
    return RateCardPayload(rate_card=to_rate_card(card))


class _UserErrors(FieldExtension):
    """Answers the field's payload with `userErrors` where its use case refuses."""

    def __init__(self, payload: type[Any]) -> None:
        self._payload = payload

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        """Runs the resolver; a forbidden operation stays an error."""
        try:
            return await next_(source, info, **kwargs)
        except ForbiddenError:
            raise
        except ServiceError as error:
            return _refused(self._payload, error)


def _refused(payload: type[Any], error: ServiceError) -> Any:
    user_error = UserError(field=error.field or None, message=error.message, code=error.code)
    if isinstance(error, RejectedError):
        found = [to_finding(finding) for finding in error.findings]
        return payload(findings=found, user_errors=[user_error])
    return payload(user_errors=[user_error])


def _mutation(resolver: Any) -> Any:
    return strawberry.mutation(
        resolver=resolver,
        description=resolver.__doc__,
        extensions=[_UserErrors(resolver.__annotations__["return"])],
    )


@strawberry.type
class Mutation:
    """Changing. Every mutation may be repeated: the second time it changes nothing."""

    create_tenant: TenantPayload | None = _mutation(_create_tenant)
    update_tenant: TenantPayload | None = _mutation(_update_tenant)
    apply_definitions: ApplyDefinitionsPayload | None = _mutation(_apply_definitions)
    put_label: LabelPayload | None = _mutation(_put_label)
    remove_label: LabelPayload | None = _mutation(_remove_label)
    issue_api_key: IssueApiKeyPayload | None = _mutation(_issue_api_key)
    revoke_api_key: RevokeApiKeyPayload | None = _mutation(_revoke_api_key)
    set_rate_card: RateCardPayload | None = _mutation(_set_rate_card)
