"""A plan as text: a waterfall by groups, every bar as long as its part can take."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from tenantry.language.plan.explain.document import critical_steps
from tenantry.language.plan.explain.wording import does, duration, headline, notes, title
from tenantry.language.plan.outline import Role, outline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.plan.model import Plan
    from tenantry.language.plan.outline import Part

WIDTH: Final = 30
"""Characters of the time axis."""

_INDENT: Final = "  "


class _Line(NamedTuple):
    """One line: a group's, with nothing but its name, or a part's."""

    name: str
    does: str = ""
    part: Part | None = None


def explain_text(plan: Plan) -> str:
    """A plan as lines for people.

    Parts on the longest path are marked with `*`. What is inside a part is indented. A loop has a
    multiplication sign, and its bar is one round of items. What undoes a step has no bar.
    """
    drawn = outline(plan)
    lines = list(_lines(drawn.parts, ""))
    names = max(len(line.name) for line in lines)
    deeds = max(len(line.does) for line in lines if line.part is not None)
    total = max((part.seconds + (part.start_seconds or 0.0) for part in drawn.walk()), default=0.0)
    end = duration(total)
    axis = f"{'':{names + deeds + 8}}0 {'─' * (WIDTH - 3 - len(end))} {end}"
    body = (_write(line, names, deeds, total) for line in lines)
    path = " → ".join(map(title, critical_steps(drawn)))
    return "\n".join((headline(drawn), "", axis, *body, "", f"* longest path: {path}", ""))


def _lines(parts: tuple[Part, ...], indent: str) -> Iterator[_Line]:
    """The lines of branches; before them those of steps, by groups when there are several."""
    steps = sorted((part for part in parts if part.role is Role.STEP), key=lambda part: part.group or 0)
    grouped = len({step.group for step in steps}) > 1
    deeper = f"{indent}{_INDENT}" if grouped else indent
    for group, members in groupby(steps, key=lambda part: part.group):
        if grouped:
            yield _Line(f"{indent}group {(group or 0) + 1}")
        for part in members:
            yield from _part(part, deeper)
    for part in parts:
        if part.role is not Role.STEP:
            yield from _part(part, indent)


def _part(part: Part, indent: str) -> Iterator[_Line]:
    yield _Line(f"{indent}{title(part)}", does(part), part)
    if said := notes(part):
        yield _Line("", f"{_INDENT}{'; '.join(said)}")
    yield from _lines(part.parts, indent + _INDENT)


def _write(line: _Line, names: int, deeds: int, total: float) -> str:
    mark = "*" if line.part is not None and line.part.critical else " "
    text = f"{mark} {line.name:{names}}  {line.does:{deeds}}"
    if line.part is not None:
        each = " a round" * line.part.at_least
        text = f"{text}    {_bar(line.part, total):{WIDTH}}  {duration(line.part.seconds)}{each}"
    return text.rstrip()


def _bar(part: Part, total: float) -> str:
    if part.start_seconds is None or total <= 0:
        return ""
    start = min(int(part.start_seconds / total * WIDTH), WIDTH - 1)
    end = round((part.start_seconds + part.seconds) / total * WIDTH)
    return " " * start + ("█" * max(1, end - start) if part.seconds else "▏")
