"""A tenant as the data plane knows it: its bundle, made ready for the request path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import load_document
from tenantry.language.documents.reading import read
from tenantry.language.plan.compile import compile_workflow
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


class DefinitionBrokenError(Exception):
    """A definition in a verified bundle does not compile: a fault of the platform, not of any caller."""


class TaskNotAllowedError(Exception):
    """A workflow uses a task its tenant may not use, or no longer may."""

    def __init__(self, workflow: str, task: str) -> None:
        super().__init__(f"workflow {workflow} uses task {task}, which the tenant's allowedTaskRefs excludes")
        self.workflow, self.task = workflow, task


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
        self._task_refs = compile_task_ref_policy(spec.allowed_task_refs)
        self.keys = {key.id: key for key in bundle.keys if key.role in _ROLES}
        self._definitions = {(item.kind, item.name): item for item in bundle.definitions}
        self._plans: dict[str, Plan] = {}
        self._compiled: dict[tuple[str, ...], Plan] = {}

    def adopt_plans(self, former: ServedTenant) -> None:
        """Keeps what an earlier revision compiled; unchanged definitions are not compiled again."""
        digests = {item.digest for item in self.bundle.definitions}
        self._compiled = {key: plan for key, plan in former._compiled.items() if digests.issuperset(key[1:])}

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
        return self._plans.get(workflow)

    def plan(self, workflow: str) -> Plan | None:
        """The compiled workflow, or `None` when there is no such workflow.

        Raises:
            TaskNotAllowedError: it uses a task the tenant may not use.
            DefinitionBrokenError: it does not compile.
        """
        plan = self._plans.get(workflow)
        if plan is None and (definition := self.definition("Workflow", workflow)):
            plan = self._plans[workflow] = self._admitted_plan(definition)
        return plan

    def _admitted_plan(self, definition: BundledDefinition) -> Plan:
        tasks = [str(step["taskRef"]) for step in definition.document["spec"]["tasks"]]
        for task in tasks:
            if not self._task_refs.allows(task):
                raise TaskNotAllowedError(definition.name, task)
        key = self._plan_key(definition, tasks)
        plan = self._compiled.get(key)
        if plan is None:
            plan = self._compiled[key] = self._compile(definition)
        return plan

    def _of_kind(self, kind: str) -> list[BundledDefinition]:
        return sorted(
            (item for item in self.bundle.definitions if item.kind == kind), key=lambda item: item.name
        )

    def _plan_key(self, workflow: BundledDefinition, tasks: list[str]) -> tuple[str, ...]:
        used = [self._definitions.get(("WorkflowTask", task)) for task in tasks]
        return (str(workflow.version), workflow.digest, *(task.digest for task in used if task))

    def _compile(self, definition: BundledDefinition) -> Plan:
        workflow, findings = read(load_document(definition.document), Workflow)
        if workflow is None:
            raise DefinitionBrokenError(f"workflow {definition.name}: {findings[0]}")
        tasks: dict[str, WorkflowTask] = {}
        for step in workflow.spec.tasks:
            found = self._definitions.get(("WorkflowTask", step.task_ref))
            if found is None:
                raise DefinitionBrokenError(
                    f"workflow {definition.name} uses the unknown task {step.task_ref}"
                )
            task, findings = read(load_document(found.document), WorkflowTask)
            if task is None:
                raise DefinitionBrokenError(f"task {step.task_ref}: {findings[0]}")
            tasks[step.task_ref] = task
        return compile_workflow(workflow, tasks, version=definition.version, digest=definition.digest)


def parse_spec(bundle: Bundle) -> TenantSpec:
    """The bundle's tenant spec.

    Raises:
        ValueError: it is not one.
    """
    return TenantSpec.model_validate(bundle.spec)
