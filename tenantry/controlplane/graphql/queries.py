"""The queries. Each asks one use case; what a caller may not see reads as not found."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from tenantry.controlplane.graphql.connections import Connection, decode_cursor, to_connection
from tenantry.controlplane.graphql.context import Info
from tenantry.controlplane.graphql.types import (
    ApiKey,
    Deed,
    Definition,
    DefinitionKind,
    Tenant,
    WorkflowUsageEntry,
    to_api_key,
    to_deed,
    to_definition,
    to_tenant,
    to_usage_entry,
)

_PAGE = 20


async def _tenants(info: Info, *, first: int = _PAGE, after: str | None = None) -> Connection[Tenant]:
    """The platform's tenants by name; for platform-admins."""
    context = info.context
    key = str(decode_cursor(after, str)[0]) if after is not None else ""
    page = await context.services.tenants.page(context.actor, first=first, after=key)
    return to_connection(page, to_tenant, lambda row: (row.tenant,), is_first=after is None)


async def _tenant(info: Info, name: str) -> Tenant:
    """One tenant."""
    return to_tenant(await info.context.services.tenants.get(info.context.actor, name))


async def _definitions(
    info: Info,
    tenant: str,
    *,
    kind: DefinitionKind | None = None,
    broken: bool | None = None,
    first: int = _PAGE,
    after: str | None = None,
) -> Connection[Definition]:
    """The current versions of a tenant's definitions by kind and name, of one kind or of all.

    Those that forced changes broke, or only the others, when `broken` says so.
    """
    context = info.context
    key = decode_cursor(after, str, str) if after is not None else ("", "")
    page = await context.services.definitions.page(
        context.actor,
        tenant,
        kind=kind.value if kind else None,
        broken=broken,
        first=first,
        after=(str(key[0]), str(key[1])),
    )
    return to_connection(page, to_definition, lambda row: (row.kind, row.name), is_first=after is None)


async def _definition(
    info: Info, tenant: str, kind: DefinitionKind, name: str, *, version: int | None = None
) -> Definition:
    """One version of a definition; the current one when none is named."""
    definitions = info.context.services.definitions
    return to_definition(await definitions.get(info.context.actor, tenant, kind.value, name, version))


async def _definition_versions(
    info: Info,
    tenant: str,
    kind: DefinitionKind,
    name: str,
    *,
    first: int = _PAGE,
    after: str | None = None,
) -> Connection[Definition]:
    """The versions of a definition, newest first."""
    context = info.context
    before = int(decode_cursor(after, int)[0]) if after is not None else None
    page = await context.services.definitions.versions(
        context.actor, tenant, kind.value, name, first=first, before=before
    )
    return to_connection(page, to_definition, lambda row: (row.version,), is_first=after is None)


async def _api_keys(
    info: Info, tenant: str, *, first: int = _PAGE, after: str | None = None
) -> Connection[ApiKey]:
    """A tenant's API keys by id, revoked ones included; never their tokens."""
    context = info.context
    key = str(decode_cursor(after, str)[0]) if after is not None else ""
    page = await context.services.api_keys.page(context.actor, tenant, first=first, after=key)
    return to_connection(page, to_api_key, lambda row: (row.id,), is_first=after is None)


async def _usage_summary(
    info: Info,
    tenant: str,
    start: Annotated[datetime, strawberry.argument(name="from")],
    end: Annotated[datetime, strawberry.argument(name="to")],
) -> list[WorkflowUsageEntry]:
    """What each workflow used from `from` on and before `to`, both whole hours in UTC; others are refused."""
    context = info.context
    entries = await context.services.usage.summarize(context.actor, tenant, start, end)
    return [to_usage_entry(entry) for entry in entries]


async def _audit_log(
    info: Info, tenant: str, *, first: int = _PAGE, after: str | None = None
) -> Connection[Deed]:
    """What was done to a tenant and by whom, newest first; for its admins."""
    context = info.context
    before = int(decode_cursor(after, int)[0]) if after is not None else None
    page = await context.services.audit.page(context.actor, tenant, first=first, before=before)
    return to_connection(page, to_deed, lambda row: (row.id or 0,), is_first=after is None)


def _query(resolver: Any) -> Any:
    return strawberry.field(resolver=resolver, description=resolver.__doc__)


@strawberry.type
class Query:
    """Reading. Every field may be null, with an error beside it that says why."""

    tenants: Connection[Tenant] | None = _query(_tenants)
    tenant: Tenant | None = _query(_tenant)
    definitions: Connection[Definition] | None = _query(_definitions)
    definition: Definition | None = _query(_definition)
    definition_versions: Connection[Definition] | None = _query(_definition_versions)
    api_keys: Connection[ApiKey] | None = _query(_api_keys)
    audit_log: Connection[Deed] | None = _query(_audit_log)
    usage_summary: list[WorkflowUsageEntry] | None = _query(_usage_summary)
