"""What a workflow's steps say by their fields alone: what each does, and what has no effect there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.language.codes import Code
from tenantry.language.documents.model import Case, Step
from tenantry.language.documents.nearest import nearest
from tenantry.language.documents.spans import pointer_tokens
from tenantry.language.graph.actions import inner_actions
from tenantry.language.validation.effort import check_retry
from tenantry.language.validation.tree import actions_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tenantry.language.documents.model import Action, Fallback
    from tenantry.language.documents.report import Report
    from tenantry.language.validation.tree import Tree

_DOES: Final = {"task_ref": "taskRef", "workflow_ref": "workflowRef", "switch": "switch", "tasks": "tasks"}
_STANDS_IN: Final = {"task_ref": "taskRef", "value": "value"}
_OF_CALLS: Final = {"retry": "retry", "circuit_breaker": "circuitBreaker", "cache": "cache"}


def check_structure(tree: Tree, report: Report) -> None:
    """Reports steps of one id, actions that do not do one thing, fields without effect or sense."""
    for node in tree.nodes:
        step, pointer = node.step, node.pointer
        if tree.by_id[step.id] is not node:
            message = f'another step is called "{step.id}"'
            hint = "give it an id of its own"
            report.add(Code.DUPLICATE_STEP, message, f"{pointer}/id", suggestion=hint)
        for place, action in actions_in(step, pointer):
            _check_choice(action, _DOES, _called(action, place), place, report)
            _check_fields(action, place, report)
        _check_calls(step, pointer, report)
        check_retry(step.retry, f"{pointer}/retry", report)
        if step.fallback is not None:
            _check_fallback(step.fallback, f"{pointer}/fallback", report)


def _check_choice(
    one: Action | Fallback, choices: Mapping[str, str], called: str, pointer: str, report: Report
) -> None:
    written = [name for field, name in choices.items() if _is_written(one, field)]
    if len(written) > 1:
        message = f"{called} has {' and '.join(written)}, and only one of them can be done"
        report.add(Code.ACTION_CHOICE, message, pointer, suggestion="keep one of them")
    elif not written and not _is_told(pointer, choices.values(), report):
        names = list(choices.values())
        message = f"{called} has no {', '.join(names[:-1])} or {names[-1]}"
        report.add(Code.ACTION_CHOICE, message, pointer, suggestion="give one of them")


def _is_written(one: Action | Fallback, field: str) -> bool:
    """Whether a choice is made; null is a value, and nothing else."""
    return field in one.model_fields_set and (field == "value" or getattr(one, field) is not None)


def _is_told(pointer: str, names: Collection[str], report: Report) -> bool:
    """Whether the author made a choice that is wrong in itself, or mistyped: that has its finding."""
    raw: Any = report.document.raw
    for token in pointer_tokens(pointer):
        raw = raw[int(token)] if isinstance(raw, list) else raw[token]
    keys = raw if isinstance(raw, dict) else ()
    return any(key in names or nearest(key, names) for key in keys)


def _called(action: Action, pointer: str) -> str:
    if isinstance(action, Step):
        return f'step "{action.id}"'
    return "the case" if isinstance(action, Case) else f"the {pointer.rpartition('/')[2]}"


def _check_fields(action: Action, pointer: str, report: Report) -> None:
    written = action.model_fields_set
    if "output" in written and action.tasks is None:
        _tell("output", "is for nested tasks, and there are none", pointer, report)
    if "input" in written and (action.tasks or action.switch) and not _takes_input(action):
        reason = "nested tasks read what is around them" if action.tasks else "every case has its own"
        _tell("input", f"is taken by nobody: {reason}", pointer, report)


def _takes_input(action: Action) -> bool:
    """Whether the input of an action goes anywhere: to its own call, or to what takes it over."""
    if action.task_ref is not None or action.workflow_ref is not None:
        return True
    if isinstance(action, Step) and action.fallback is not None:
        fallback = action.fallback
        if fallback.task_ref is not None and "input" not in fallback.model_fields_set:
            return True
    return any(
        "input" not in inner.model_fields_set and _takes_input(inner) for inner in inner_actions(action)
    )


def _check_calls(step: Step, pointer: str, report: Report) -> None:
    if any(action.task_ref is not None for _, action in actions_in(step, pointer)):
        return
    for field, name in _OF_CALLS.items():
        if getattr(step, field) is not None:
            _tell(name, "is for calls of tasks, and this step makes none itself", pointer, report)


def _check_fallback(fallback: Fallback, pointer: str, report: Report) -> None:
    _check_choice(fallback, _STANDS_IN, "the fallback", pointer, report)
    if "input" in fallback.model_fields_set and fallback.task_ref is None:
        _tell("input", "is for a task, and this fallback has none", pointer, report)


def _tell(name: str, why: str, pointer: str, report: Report) -> None:
    report.add(Code.USELESS_FIELD, f"{name} {why}", f"{pointer}/{name}", at_key=True, suggestion="remove it")
