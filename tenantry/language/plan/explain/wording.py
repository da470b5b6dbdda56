"""What is written about a part of a plan in text and drawings: a title, what it does, and notes on how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.plan.model import (
    CallPlan,
    GroupPlan,
    SubworkflowPlan,
    SwitchPlan,
    TransformPlan,
)
from tenantry.language.plan.outline import Role
from tenantry.language.templates.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.plan.model import Plan
    from tenantry.language.plan.outline import OnceBody, Outline, Part
    from tenantry.language.values import Json

TIMES: Final = "\N{MULTIPLICATION SIGN}"

_MAX_SHOWN: Final = 60
_UNITS: Final = ((3600.0, "h"), (60.0, "m"), (1.0, "s"), (0.001, "ms"))


def title(part: Part) -> str:
    """How the part is called where it stands."""
    return f"case {shown(part.match)}" if part.role is Role.CASE else shown(part.name)


def does(part: Part) -> str:
    """What the part does; once, or for each item."""
    each = f"{TIMES} " * (part.loop is not None)
    return f"{each}{_does(part.body)}{', optional' * part.optional}"


def _does(body: OnceBody) -> str:
    match body:
        case CallPlan(task=task):
            return f"{shown(task.name)}{_attempts(body)}"
        case SubworkflowPlan(plan=plan):
            return f"workflow {_version(plan)}"
        case SwitchPlan(text=value):
            return f"switch {shown(value)}"
        case GroupPlan(steps=steps):
            return f"{len(steps)} task{'s' * (len(steps) != 1)}"
        case _:
            return f"value {shown(body.value)}"


def _attempts(call: CallPlan) -> str:
    if isinstance(call.task.action, TransformPlan):
        return ""
    attempts = call.retry.max_attempts
    return f" ({f'{attempts} {TIMES} ' * (attempts > 1)}{duration(call.timeout_seconds)})"


def notes(part: Part) -> tuple[str, ...]:
    """For which items, and under which condition, it does that."""
    return tuple(_notes(part))


def _notes(part: Part) -> Iterator[str]:
    loop = part.loop
    if loop is not None:
        yield f"each {shown(loop.variable)} of {shown(loop.text)}, {loop.max_parallel} at a time"
    if part.condition_text:
        yield f"{'those ' * part.filters}if {shown(part.condition_text)}"
    if loop is not None and loop.tolerant:
        yield "goes on without items that fail"


def headline(outline: Outline) -> str:
    """The workflow, how long it takes at most, and how long it may take."""
    plan, over = outline.plan, outline.seconds > outline.plan.deadline_seconds
    most = f"{'at least ' * outline.at_least}{duration(outline.seconds)}"
    return (
        f"{_version(plan)}: worst case {most}, "
        f"{'over the' if over else 'within the'} deadline of {duration(plan.deadline_seconds)}"
    )


def _version(plan: Plan) -> str:
    """A workflow by name and version; one that nobody has stored has none."""
    return f"{shown(plan.workflow)}{f' v{plan.version}' * bool(plan.version)}"


def duration(seconds: float) -> str:
    """A duration as people write it, to three digits: `1.5s`, `250ms`, `2m`."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[2])
    return f"{seconds / size:.4g}{unit}"


def shown(value: Json) -> str:
    """A value on one line of bounded length, without anything that a terminal would obey."""
    text = value if isinstance(value, str) else render(value)
    plain = "".join(char if char.isprintable() else _escaped(char) for char in text[: _MAX_SHOWN + 1])
    return plain if len(plain) <= _MAX_SHOWN else f"{plain[: _MAX_SHOWN - 1]}…"


def _escaped(char: str) -> str:
    return " " if char in "\n\t" else char.encode("unicode_escape").decode()
