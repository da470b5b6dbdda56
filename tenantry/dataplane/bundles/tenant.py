"""A tenant as the data plane knows it: its bundle, made ready for the request path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.dataplane.bundles.plans import Plans
from tenantry.tenants.identity import TenantId
from tenantry.tenants.isolation import compile_task_ref_policy
from tenantry.tenants.limits import limits_of
from tenantry.tenants.rate_card import parse_rate_card
from tenantry.tenants.roles import Role
from tenantry.tenants.spec import TenantSpec

if TYPE_CHECKING:
    from tenantry.dataplane.tasks.runner import CallRunner
    from tenantry.language.plan.model import Plan
    from tenantry.protocol.bundles import Bundle, BundledDefinition

_ROLES: Final = frozenset(Role) - {Role.PLATFORM_ADMIN}
"""What keys of a tenant may be; a key of any other role opens nothing here."""


class ServedTenant:
    """One revision of a tenant. Immutable but for plans, which are compiled when first used.

    Attributes:
        limits: the policies of its limit decision.
        max_execution_seconds: bound on every deadline, or `None`.
        runner: makes its tasks' attempts, over its own connections.
    """

    def __init__(self, bundle: Bundle, spec: TenantSpec, runner: CallRunner) -> None:
        self.bundle, self.spec, self.runner = bundle, spec, runner
        self.name = TenantId(bundle.tenant)
        self.limits = limits_of(spec)
        self.max_execution_seconds = spec.quotas.max_execution_duration
        self.rate_card = parse_rate_card(bundle.rate_card)
        self.keys = {key.id: key for key in bundle.keys if key.role in _ROLES}
        self._definitions = {(item.kind, item.name): item for item in bundle.definitions}
        self._plans = Plans(bundle, compile_task_ref_policy(spec.allowed_task_refs).allows)

    def adopt_plans(self, former: ServedTenant) -> None:
        """Keeps what an earlier revision compiled; unchanged definitions are not compiled again."""
        self._plans.adopt(former._plans)

    def workflows(self) -> list[BundledDefinition]:
        """Its workflows, by name."""
        return self._of_kind("Workflow")

    def tasks(self) -> list[BundledDefinition]:
        """Its tasks, by name."""
        return self._of_kind("WorkflowTask")

    def definition(self, kind: str, name: str) -> BundledDefinition | None:
        """The current version of a definition."""
        return self._definitions.get((kind, name))

    def ready_plan(self, workflow: str) -> Plan | None:
        """The compiled workflow, if it has been asked for before."""
        return self._plans.ready(workflow)

    def plan(self, workflow: str) -> Plan | None:
        """The compiled workflow, or `None` when there is no such workflow.

        Raises:
            TaskNotAllowedError: it uses a task the tenant may not use.
            DefinitionBrokenError: it does not compile.
        """
        return self._plans.get(workflow)

    def _of_kind(self, kind: str) -> list[BundledDefinition]:
        return sorted(
            (item for item in self.bundle.definitions if item.kind == kind), key=lambda item: item.name
        )


def parse_spec(bundle: Bundle) -> TenantSpec:
    """The bundle's tenant spec.

    Raises:
        ValueError: it is not one.
    """
    return TenantSpec.model_validate(bundle.spec)
