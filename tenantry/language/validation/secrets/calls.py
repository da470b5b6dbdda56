"""The calls of a step, each with the input it is made with: a case without one takes its step's, say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tenantry.language.validation.tree import actions_in
from tenantry.language.values import pointer_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.language.documents.model import Action, Fallback, ResultCache, Step
    from tenantry.language.values import Json


class Given(NamedTuple):
    """An input as it is written, and its JSON pointer."""

    value: Json
    pointer: str


class Call(NamedTuple):
    """What is run with an input.

    Attributes:
        place: JSON pointer of what says so.
        given: the input.
        task: name of the task; `None` for a workflow.
        workflow: reference to it, as it is written.
        cache: what the step says in place of its tasks.
    """

    place: str
    given: Given
    task: str | None = None
    workflow: str | None = None
    cache: ResultCache | None = None


def steps_in(steps: Iterable[Step], pointer: str) -> Iterator[tuple[Step, str]]:
    """All steps with their JSON pointers, nested ones included, in the order of the document."""
    for index, step in enumerate(steps):
        place = f"{pointer}/{index}"
        yield step, place
        for inner, action in actions_in(step, place):
            yield from steps_in(action.tasks or (), f"{inner}/tasks")


def calls_of(step: Step, pointer: str) -> Iterator[Call]:
    """Every call a step may make itself; what is nested in it are steps of their own."""
    given = Given(step.input, f"{pointer}/input")
    yield from _calls_in(step, pointer, given, step.cache)
    if step.condition is not None and step.condition.else_ is not None:
        place = f"{pointer}/condition/else"
        own = given_to(step.condition.else_, place, given)
        yield from _calls_in(step.condition.else_, place, own, step.cache)
    if step.fallback is not None and step.fallback.task_ref is not None:
        place = f"{pointer}/fallback"
        yield Call(place, given_to(step.fallback, place, given), task=step.fallback.task_ref)
    if step.compensate is not None:
        place = f"{pointer}/compensate"
        own = Given(step.compensate.input, f"{place}/input")
        yield Call(place, own, task=step.compensate.task_ref)


def _calls_in(action: Action, place: str, given: Given, cache: ResultCache | None) -> Iterator[Call]:
    if action.task_ref is not None or action.workflow_ref is not None:
        yield Call(place, given, action.task_ref, action.workflow_ref, cache)
    if action.switch is None:
        return
    branches: list[tuple[str, Action]] = [
        (f"{place}/switch/cases/{index}", case) for index, case in enumerate(action.switch.cases)
    ]
    if action.switch.default is not None:
        branches.append((f"{place}/switch/default", action.switch.default))
    for inner, branch in branches:
        yield from _calls_in(branch, inner, given_to(branch, inner, given), cache)


def given_to(action: Action | Fallback, place: str, inherited: Given) -> Given:
    """The input of what may take its step's."""
    return Given(action.input, f"{place}/input") if "input" in action.model_fields_set else inherited


def part_of(given: Given, path: tuple[str | int, ...]) -> str:
    """JSON pointer of what a path into an input leads to, as far as the input is written out."""
    value: Any = given.value
    pointer = given.pointer
    for key in path:
        if not isinstance(value, dict | list):
            break
        try:
            value = value[key]  # type: ignore[index]  # a key of the wrong kind is caught
        except (LookupError, TypeError):
            break
        pointer += pointer_token(key)
    return pointer
