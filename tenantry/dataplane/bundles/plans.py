"""The plans of a tenant: definitions compiled when they are first used, each once, shared by all that use it.

Invariant: what is compiled is known by the content of everything in it, so what did not change between two
revisions of a bundle is not compiled again, and what did is never served from before.
"""

from __future__ import annotations

import hashlib
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from tenantry.dataplane.bundles.contents import Contents
from tenantry.dataplane.bundles.sources import Parts, decode_source
from tenantry.dataplane.engine.record import PlanSource
from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import load_document
from tenantry.language.documents.reading import read
from tenantry.language.graph.actions import task_refs, workflow_refs
from tenantry.language.plan.compile import compile_task, compile_workflow
from tenantry.language.schemas import SchemaError
from tenantry.language.templates import TemplateSyntaxError
from tenantry.language.validation.library import MAX_WORKFLOW_DEPTH, workflow_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.plan.model import Plan, TaskPlan
    from tenantry.protocol.bundles import BundledDefinition


class DefinitionBrokenError(Exception):
    """A definition in a verified bundle does not compile: a fault of the platform, not of any caller."""


class TaskNotAllowedError(Exception):
    """A workflow uses a task its tenant may not use, or no longer may."""

    def __init__(self, workflow: str, task: str) -> None:
        super().__init__(f"workflow {workflow} uses task {task}, which the tenant's allowedTaskRefs excludes")
        self.workflow, self.task = workflow, task


class _Uses(NamedTuple):
    """What a workflow refers to: tasks by name, workflows by reference with what the bundle calls them."""

    tasks: tuple[str, ...]
    workflows: tuple[tuple[str, str], ...]


class _Compiled(NamedTuple):
    """A compiled workflow.

    Attributes:
        key: of its content and that of everything in it.
        levels: of workflows below it.
        digests: of its document and of its tasks' documents.
        children: keys of the workflows it runs.
    """

    plan: Plan
    key: str
    levels: int
    digests: frozenset[str]
    children: frozenset[str]


class Plans:
    """The plans of one revision of a tenant's bundle.

    Args:
        contents: of a verified bundle.
        allows: whether the tenant may use a task of that name.
    """

    def __init__(self, contents: Contents, allows: Callable[[str], bool]) -> None:
        self._contents, self._allows = contents, allows
        self._lock = Lock()
        self._ready: dict[tuple[str, int], _Compiled] = {}
        self._uses: dict[str, _Uses] = {}
        self._tasks: dict[str, TaskPlan] = {}
        self._compiled: dict[str, _Compiled] = {}
        self._sources: dict[str, PlanSource] = {}

    def adopt(self, former: Plans) -> None:
        """Keeps what an earlier revision compiled, as far as nothing in it has changed."""
        digests = self._contents.digests()
        # Copied first, because another thread may be compiling.
        self._uses = {digest: uses for digest, uses in dict(former._uses).items() if digest in digests}
        self._tasks = {digest: task for digest, task in dict(former._tasks).items() if digest in digests}
        for key, compiled in dict(former._compiled).items():  # children come before those that run them
            if compiled.digests <= digests and compiled.children <= self._compiled.keys():
                self._compiled[key] = compiled
        self._sources = {
            key: source for key, source in dict(former._sources).items() if key in self._compiled
        }

    def ready(self, workflow: str, selector: str = "") -> Plan | None:
        """A version of a workflow, if it has been asked for before; see `Contents.chosen` for `selector`."""
        definition = self._contents.chosen(workflow, selector)
        if definition is None or (found := self._ready.get((workflow, definition.version))) is None:
            return None
        return found.plan if found.key in self._sources else None

    def get(self, workflow: str, selector: str = "") -> Plan | None:
        """A version of a workflow, or `None` when there is no such one here. It may take a while.

        Raises:
            TaskNotAllowedError: it uses a task the tenant may not use, or a workflow that does.
            DefinitionBrokenError: it does not compile.
        """
        definition = self._contents.chosen(workflow, selector)
        if definition is None:
            return None
        with self._lock:
            found = self._get(definition, ())
            if found.key not in self._sources:
                self._sources[found.key] = self._source(definition, found.key)
            return found.plan

    def source(self, plan: Plan) -> PlanSource:
        """The source of a plan that `ready` or `get` gave."""
        return self._sources[self._ready[plan.workflow, plan.version].key]

    def _source(self, definition: BundledDefinition, key: str) -> PlanSource:
        parts = Parts()
        self._gather(definition, parts, set())
        return PlanSource(key, parts.encode(definition))

    def _gather(self, definition: BundledDefinition, parts: Parts, done: set[tuple[str, int]]) -> None:
        """Adds what a workflow uses, at any depth, each once; it compiles, so everything is there."""
        version = (definition.name, definition.version)
        if version in done:
            return
        done.add(version)
        uses, _ = self._uses_of(definition)
        for task in uses.tasks:
            parts.add(task, self._task_of(task, definition))
        for _, called in uses.workflows:
            child = self._called(called, definition)
            parts.add(called, child)
            self._gather(child, parts, done)

    def _get(self, definition: BundledDefinition, above: tuple[str, ...]) -> _Compiled:
        version = (definition.name, definition.version)
        if version not in self._ready:
            self._ready[version] = self._make(definition, (*above, definition.name))
        return self._ready[version]

    def _make(self, definition: BundledDefinition, way: tuple[str, ...]) -> _Compiled:
        uses, workflow = self._uses_of(definition)
        for task in uses.tasks:
            if not self._allows(task):
                raise TaskNotAllowedError(definition.name, task)
        tasks = {name: self._task_of(name, definition) for name in uses.tasks}
        children = {reference: self._child(called, definition, way) for reference, called in uses.workflows}
        levels = max((child.levels + 1 for child in children.values()), default=0)
        _check_depth(levels, way)
        digests = [task.digest for task in tasks.values()]
        key = _key(definition, digests, [child.key for child in children.values()])
        if key not in self._compiled:
            self._compiled[key] = _Compiled(
                plan=self._compile(definition, workflow, tasks, children),
                key=key,
                levels=levels,
                digests=frozenset((definition.digest, *digests)),
                children=frozenset(child.key for child in children.values()),
            )
        return self._compiled[key]

    def _uses_of(self, definition: BundledDefinition) -> tuple[_Uses, Workflow | None]:
        """What a workflow refers to, and the workflow itself when it had to be read for that."""
        if definition.digest in self._uses:
            return self._uses[definition.digest], None
        workflow = _read_workflow(definition)
        home, steps = workflow.metadata.namespace, workflow.spec.tasks
        references = dict.fromkeys(workflow_refs(steps))
        uses = _Uses(
            tasks=tuple(dict.fromkeys(task_refs(steps))),
            workflows=tuple((reference, workflow_key(reference, home)) for reference in references),
        )
        self._uses[definition.digest] = uses
        return uses, workflow

    def _task_of(self, name: str, user: BundledDefinition) -> BundledDefinition:
        found = self._contents.current("WorkflowTask", name)
        if found is None:
            raise DefinitionBrokenError(f"workflow {user.name} uses the unknown task {name}")
        return found

    def _called(self, reference: str, user: BundledDefinition) -> BundledDefinition:
        found = self._contents.called(reference)
        if found is None:
            word = "version" if "@" in reference else "workflow"
            raise DefinitionBrokenError(f"workflow {user.name} uses the unknown {word} {reference}")
        return found

    def _child(self, called: str, user: BundledDefinition, way: tuple[str, ...]) -> _Compiled:
        definition = self._called(called, user)
        _check_depth(0, (*way, definition.name))
        return self._get(definition, way)

    def _compile(
        self,
        definition: BundledDefinition,
        workflow: Workflow | None,
        tasks: dict[str, BundledDefinition],
        children: dict[str, _Compiled],
    ) -> Plan:
        try:
            return compile_workflow(
                workflow or _read_workflow(definition),
                {name: self._task(task) for name, task in tasks.items()},
                {reference: child.plan for reference, child in children.items()},
                version=definition.version,
                digest=definition.digest,
            )
        except (SchemaError, TemplateSyntaxError, ValueError) as error:
            raise DefinitionBrokenError(f"workflow {definition.name}: {error}") from error

    def _task(self, definition: BundledDefinition) -> TaskPlan:
        if definition.digest not in self._tasks:
            task, findings = read(load_document(definition.document), WorkflowTask)
            if task is None:
                raise DefinitionBrokenError(f"task {definition.name}: {findings[0]}")
            self._tasks[definition.digest] = compile_task(task, definition.digest)
        return self._tasks[definition.digest]


def plan_from_source(content: str) -> Plan:
    """The plan of a `PlanSource`. Nothing asks whether the tenant may: that was settled when it was accepted.

    Raises:
        DefinitionBrokenError: it does not compile, or is no source at all.
    """
    try:
        source = decode_source(content)
    except ValueError as error:
        raise DefinitionBrokenError(f"not the source of a plan: {error}") from error
    plan = Plans(Contents(source.bundle), lambda _: True).get(source.workflow, f"v{source.version}")
    if plan is None:
        raise DefinitionBrokenError(f"the source of {source.workflow} is without the workflow itself")
    return plan


def _read_workflow(definition: BundledDefinition) -> Workflow:
    workflow, findings = read(load_document(definition.document), Workflow)
    if workflow is None:
        raise DefinitionBrokenError(f"workflow {definition.name}: {findings[0]}")
    return workflow


def _check_depth(levels: int, way: tuple[str, ...]) -> None:
    """A cycle is a way that is too deep as well."""
    if len(way) - 1 + levels > MAX_WORKFLOW_DEPTH:
        raise DefinitionBrokenError(
            f"more than {MAX_WORKFLOW_DEPTH} levels of workflows below {way[0]}: {' -> '.join(way)}"
        )


def _key(definition: BundledDefinition, tasks: list[str], children: list[str]) -> str:
    parts = (definition.name, str(definition.version), definition.digest, *tasks, "", *children)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
