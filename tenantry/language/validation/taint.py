"""Where secrets go: only to the places they are declared for (SPEC 1.8, 16). Masking is the line behind this.

`workflows` and `tasks` call it; it alone decides about `{{secrets.X}}`. Followed is what values hold, not
what can be guessed from how an execution goes: from whether a transform of a secret failed, say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tenantry.language.documents.model import HttpTaskSpec, TransformTaskSpec
from tenantry.language.graph.dependencies import dependencies
from tenantry.language.templates.model import Reference
from tenantry.language.templates.parser import texts as texts_in
from tenantry.language.validation.secrets.calls import calls_of, part_of, steps_in
from tenantry.language.validation.secrets.flows import SecretFlows
from tenantry.language.validation.secrets.providers import check_providers
from tenantry.language.validation.secrets.uses import SecretUses
from tenantry.language.validation.texts import Texts
from tenantry.language.validation.tree import actions_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tenantry.language.documents.model import Response, Step, Workflow, WorkflowTask
    from tenantry.language.documents.report import Report
    from tenantry.language.validation.library import Library
    from tenantry.language.validation.secrets.calls import Call
    from tenantry.language.validation.secrets.taints import Taint
    from tenantry.language.values import Json

    Found = Iterable[tuple[str, Reference]]
    Path = tuple[str | int, ...]

_ELSEWHERE: Final = "read it only in the input of a step, or in the request of a task"
_SEND: Final = "send it in a header, in the query or in the body"
_GIVE: Final = "let the step that uses the task give it in its input"
_INSIDE: Final = "declare it in that workflow, at the step that sends it"
_NOT_CACHED: Final = "give the cache a key without it, or keep no results"


def check_task_secrets(task: WorkflowTask, report: Report, texts: Texts | None = None) -> None:
    """Reports secrets that a task does not declare, does not use, or puts where they must not go.

    Args:
        task: the task.
        report: takes the findings.
        texts: the templates of the task, as far as they are parsed.
    """
    spec, texts = task.spec, texts or Texts()
    if isinstance(spec, TransformTaskSpec):
        uses = SecretUses(task.name, (), "/spec", report)
        for place, reference in _secrets_in(texts, spec.value, "/spec/value"):
            uses.leak(reference, place, "the value of a transform", _GIVE)
        return
    uses = SecretUses(task.name, spec.secrets, "/spec/secrets", report)
    request = spec.request
    sent: Json = {"headers": {**request.headers}, "query": {**request.query}, "body": request.body}
    for place, reference in _secrets_in(texts, sent, "/spec/request"):
        uses.use(reference, place)
    for place, reference in _secrets_in(texts, request.url, "/spec/request/url"):
        uses.leak(reference, place, "a URL", _SEND)
    if spec.cache is not None:
        for place, reference in _secrets_in(texts, spec.cache.key, "/spec/cache/key"):
            uses.leak(reference, place, "the key of a cache", _NOT_CACHED)
    uses.check_declarations()


def _secrets_in(texts: Texts, value: Json, pointer: str) -> Iterator[tuple[str, Reference]]:
    return ((place, one) for place, one in texts.references(value, pointer) if one.root == "secrets")


def check_secrets(
    workflow: Workflow,
    library: Library,
    report: Report,
    waits: Callable[[Step], Iterable[str]] = dependencies,
    texts: Texts | None = None,
) -> None:
    """Reports secrets of a workflow that are undeclared, unused, not to be had, or go where they must not.

    Args:
        workflow: the workflow.
        library: what it refers to.
        report: takes the findings.
        waits: ids a step waits for; more than those of its graph do no harm.
        texts: the templates of the workflow, as far as they are parsed.
    """
    spec, steps = workflow.spec, tuple(steps_in(workflow.spec.tasks, "/spec/tasks"))
    check_providers(steps, library, report)
    is_concerned = any(step.secrets for step, _ in steps) or any(
        "secrets" in text for _, text in texts_in(report.document.raw)
    )
    if not is_concerned:
        return
    check = _Check(library, report, texts or Texts(), waits)
    check.follow(spec.tasks)
    for step, pointer in steps:
        check.step(step, pointer)
    check.end(workflow)


def _answer(response: Response) -> Json:
    headers: Json = {**response.headers}
    return {
        "status": response.status,
        "headers": headers,
        "contentType": response.content_type,
        "body": response.body,
    }


class _Reader(NamedTuple):
    """Who reads secrets: a step, or a workflow at its end."""

    uses: SecretUses
    step: Step | None = None


class _Check:
    """Where the secrets of one workflow go."""

    def __init__(
        self, library: Library, report: Report, texts: Texts, waits: Callable[[Step], Iterable[str]]
    ) -> None:
        self._tasks = library.tasks
        self._report = report
        self._texts = texts
        self._flows = SecretFlows(library.tasks, texts, waits)
        self.follow = self._flows.follow

    def end(self, workflow: Workflow) -> None:
        """Checks what comes out of the workflow."""
        spec, reader = workflow.spec, _Reader(SecretUses(workflow.name, (), "", self._report))
        self._refuse(reader, spec.output, "/spec/output", "the output of the workflow")
        if spec.response is not None:
            self._refuse(reader, _answer(spec.response), "/spec/response", "the answer of the workflow")

    def step(self, step: Step, pointer: str) -> None:
        """Checks a step, but for the steps inside of it."""
        reader = _Reader(SecretUses(step.id, step.secrets, f"{pointer}/secrets", self._report), step)
        for place, action in actions_in(step, pointer):
            self._use(reader, action.input, f"{place}/input")
            self._pass_on(reader, action.output, f"{place}/output")
            if action.for_each is not None:
                self._refuse(reader, action.for_each.items, f"{place}/forEach/items", "the items of a loop")
            if action.switch is not None:
                value = action.switch.value
                self._refuse(reader, value, f"{place}/switch/value", "the value of a switch")
        self._check_rest(reader, step, pointer)
        for call in calls_of(step, pointer):
            self._check_call(reader, step, call)
        reader.uses.check_declarations()

    def _check_rest(self, reader: _Reader, step: Step, pointer: str) -> None:
        """Checks what only a step has."""
        if step.condition is not None:
            place = f"{pointer}/condition/if"
            found = self._texts.condition_references(step.condition.if_, place)
            self._refuse_found(reader, found, "a condition")
        if step.cache is not None:
            self._refuse(reader, step.cache.key, f"{pointer}/cache/key", "the key of a cache", _NOT_CACHED)
        if step.fallback is not None:
            self._use(reader, step.fallback.input, f"{pointer}/fallback/input")
            self._pass_on(reader, step.fallback.value, f"{pointer}/fallback/value")
        if step.compensate is not None:
            self._use(reader, step.compensate.input, f"{pointer}/compensate/input")

    # What values read

    def _use(self, reader: _Reader, value: Json, pointer: str) -> None:
        """A place where declared secrets may stand, and what holds them."""
        for place, reference in self._texts.references(value, pointer):
            if reference.root == "secrets":
                reader.uses.use(reference, place)
            elif secrets := self._flows.read(reference, reader.step).secrets:
                reader.uses.use_inside(secrets, reference, place)

    def _pass_on(self, reader: _Reader, value: Json, pointer: str) -> None:
        """A place where no secret may stand, but what holds one: it is followed on."""
        for place, reference in _secrets_in(self._texts, value, pointer):
            reader.uses.leak(reference, place, "an output", _ELSEWHERE)

    def _refuse(self, reader: _Reader, value: Json, pointer: str, what: str, hint: str = _ELSEWHERE) -> None:
        """A place where neither may stand."""
        self._refuse_found(reader, self._texts.references(value, pointer), what, hint)

    def _refuse_found(self, reader: _Reader, found: Found, what: str, hint: str = _ELSEWHERE) -> None:
        for place, reference in found:
            if reference.root == "secrets":
                reader.uses.leak(reference, place, what, hint)
            elif secrets := self._flows.read(reference, reader.step).secrets:
                reader.uses.leak_inside(secrets, reference, place, what, hint)

    # What becomes of inputs

    def _check_call(self, reader: _Reader, step: Step, call: Call) -> None:
        value, pointer = call.given
        if call.workflow is not None:
            self._refuse(reader, value, pointer, f"the workflow {call.workflow}", _INSIDE)
        taint = self._flows.taint(value, step)
        task = self._tasks.get(call.task or "")
        if task is None or not taint.secrets:
            return
        told: set[tuple[str, str]] = set()
        for path, what, hint in self._sinks(task, call, taint):
            secrets, place = taint.at(path).secrets, part_of(call.given, path)
            if secrets and (place, what) not in told:
                told.add((place, what))
                reference = Reference(root="input", path=path)
                reader.uses.leak_inside(secrets, reference, place, what, hint)

    def _sinks(self, task: WorkflowTask, call: Call, taint: Taint) -> Iterator[tuple[Path, str, str]]:
        """The parts of an input that its task puts where no secret may go, where that is, and what to do."""
        spec, cache = task.spec, call.cache
        if isinstance(spec, HttpTaskSpec):
            cache = cache or spec.cache
            for path in self._paths(spec.request.url):
                yield path, f"the URL of {task.name}", f"let {task.name} {_SEND}"
        if cache is None:
            return
        for path in [()] if cache.key is None else self._paths(cache.key):
            yield path, f"the cache key of {task.name}", _NOT_CACHED
        if self._flows.through(task.name, taint).secrets:
            yield (), f"the cached results of {task.name}", "keep no results"

    def _paths(self, text: str) -> list[Path]:
        """The parts of the input that a text of a task reads."""
        return [one.path for _, one in self._texts.references(text, "") if one.root == "input"]
