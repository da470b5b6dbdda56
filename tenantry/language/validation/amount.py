"""How much there is to look at in a document: it is checked and compiled by every plane that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.codes import Code
from tenantry.language.documents.model import Step
from tenantry.language.graph.actions import all_actions, inner_actions
from tenantry.language.templates.parser import texts

if TYPE_CHECKING:
    from tenantry.language.documents.document import Document
    from tenantry.language.documents.model import Action
    from tenantry.language.documents.report import Report
    from tenantry.language.values import Json

MAX_TEMPLATES: Final = 20_000
"""Templates in one document."""

MAX_VALUES: Final = 200_000
"""Values in all inputs of a workflow, the input of a step counted for each of its calls that takes it."""


def check_amount(document: Document, report: Report) -> bool:
    """Reports a document of too many templates.

    Returns:
        Whether it can be checked further.
    """
    count = sum(text.count("{{") for _, text in texts(document.raw))
    if count > MAX_TEMPLATES:
        message = f"the document holds {count} templates; it may have at most {MAX_TEMPLATES}"
        report.add(Code.INVALID_VALUE, message, "", suggestion="move data out of the definition")
    return count <= MAX_TEMPLATES


def check_inputs(steps: tuple[Step, ...], report: Report) -> bool:
    """Reports steps whose inputs are taken by too many cases: each of them is judged with the whole input.

    Returns:
        Whether they can be checked further.
    """
    count = sum(_taken(step, 0) for step in all_actions(steps) if isinstance(step, Step))
    if count > MAX_VALUES:
        message = f"the inputs of all calls hold {count:,} values; there may be {MAX_VALUES:,}"
        hint = "give cases inputs of their own"
        report.add(Code.INVALID_VALUE, message, "/spec/tasks", suggestion=hint)
    return count <= MAX_VALUES


def _taken(action: Action, inherited: int) -> int:
    """Values in the inputs of the calls of an action, which may take one over from around it."""
    given = _count(action.input) if "input" in action.model_fields_set else inherited
    calls = int(action.task_ref is not None or action.workflow_ref is not None)
    if isinstance(action, Step) and action.fallback is not None:
        calls += "input" not in action.fallback.model_fields_set
    return calls * given + sum(_taken(inner, given) for inner in inner_actions(action))


def _count(value: Json) -> int:
    count, stack = 0, [value]
    while stack:
        item = stack.pop()
        count += 1
        if isinstance(item, dict | list):
            stack += item.values() if isinstance(item, dict) else item
    return count
