"""A tenant as the data plane knows it: its bundle, made ready for the request path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.dataplane.bundles.contents import Contents
from tenantry.dataplane.bundles.plans import Plans
from tenantry.tenants.identity import TenantId
from tenantry.tenants.isolation import compile_task_ref_policy
from tenantry.tenants.limits import limits_of
from tenantry.tenants.rate_card import parse_rate_card
from tenantry.tenants.roles import Role
from tenantry.tenants.spec import TenantSpec

if TYPE_CHECKING:
    from tenantry.dataplane.engine.record import PlanSource
    from tenantry.dataplane.tasks.runner import CallRunner
    from tenantry.language.plan.model import Plan
    from tenantry.protocol.bundles import Bundle, BundledDefinition

_ROLES: Final = frozenset(Role) - {Role.PLATFORM_ADMIN}
"""What keys of a tenant may be; a key of any other role opens nothing here."""


class ServedTenant:
    """One revision of a tenant. Immutable but for plans, which are compiled when first used.

    Attributes:
        contents: its definitions, by name and by version.
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
        self.contents = Contents(bundle)
        self._plans = Plans(self.contents, compile_task_ref_policy(spec.allowed_task_refs).allows)

    def adopt_plans(self, former: ServedTenant) -> None:
        """Keeps what an earlier revision compiled; unchanged definitions are not compiled again."""
        self._plans.adopt(former._plans)

    def workflows(self) -> list[BundledDefinition]:
        """Its workflows, by name."""
        return self.contents.of_kind("Workflow")

    def tasks(self) -> list[BundledDefinition]:
        """Its tasks, by name."""
        return self.contents.of_kind("WorkflowTask")

    def definition(self, kind: str, name: str) -> BundledDefinition | None:
        """The current version of a definition."""
        return self.contents.current(kind, name)

    def ready_plan(self, workflow: str, selector: str = "") -> Plan | None:
        """The compiled workflow, if it has been asked for before; see `Contents.chosen` for `selector`."""
        return self._plans.ready(workflow, selector)

    def plan(self, workflow: str, selector: str = "") -> Plan | None:
        """The compiled workflow, or `None` when there is no such one.

        Raises:
            TaskNotAllowedError: it uses a task the tenant may not use.
            DefinitionBrokenError: it does not compile.
        """
        return self._plans.get(workflow, selector)

    def source(self, plan: Plan) -> PlanSource:
        """What another executor compiles the same plan from; `plan` is one that this revision gave."""
        return self._plans.source(plan)


def parse_spec(bundle: Bundle) -> TenantSpec:
    """The bundle's tenant spec.

    Raises:
        ValueError: it is not one.
    """
    return TenantSpec.model_validate(bundle.spec)
