"""A plan as a Mermaid flowchart, which code hosts draw in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.plan.explain.drawing import arrows, words
from tenantry.language.plan.explain.wording import TIMES, headline
from tenantry.language.plan.model import SubworkflowPlan, SwitchPlan
from tenantry.language.plan.outline import outline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tenantry.language.plan.explain.drawing import Arrow
    from tenantry.language.plan.model import Plan
    from tenantry.language.plan.outline import Part

_PLAIN: Final = frozenset(" _-.,/()[]{}='!?+…→" + TIMES)


def explain_mermaid(plan: Plan) -> str:
    """A plan as a flowchart: a box for every part, a frame around every part with others inside.

    Boxes are called `n0`, `n1` and so on, in the order of the document; their first words are the ids. Solid
    lines wait; dotted ones lead to what is inside a part or stands in for it. The longest path is bold.
    """
    drawn = outline(plan)
    names = {part.id: f"n{number}" for number, part in enumerate(drawn.walk())}
    critical = ",".join(names[part.id] for part in drawn.walk() if part.critical)
    return "\n".join(
        (
            "flowchart LR",
            f"  %% {_text(headline(drawn))}",
            *(line for part in drawn.parts for line in _part(part, names, "  ")),
            *(f"  {_arrow(arrow, names)}" for arrow in arrows(drawn.parts)),
            "  classDef critical stroke-width:3px",
            f"  class {critical} critical",
            "",
        )
    )


def _part(part: Part, names: Mapping[str, str], indent: str) -> Iterator[str]:
    begin, end = _shape(part)
    box = f'{names[part.id]}{begin}"{"<br/>".join(map(_text, words(part)))}"{end}'
    if not part.parts:
        yield f"{indent}{box}"
        return
    yield f'{indent}subgraph {names[part.id]}s[" "]'
    yield f"{indent}  {box}"
    for inner in part.parts:
        yield from _part(inner, names, f"{indent}  ")
    yield f"{indent}end"


def _shape(part: Part) -> tuple[str, str]:
    if isinstance(part.body, SwitchPlan):
        return "{", "}"
    return ("[[", "]]") if isinstance(part.body, SubworkflowPlan) else ("[", "]")


def _arrow(arrow: Arrow, names: Mapping[str, str]) -> str:
    line = "-->" if arrow.solid else "-.->"
    return f"{names[arrow.source]} {line} {names[arrow.target]}"


def _text(text: str) -> str:
    """A text in which nothing has a meaning to Mermaid, to the HTML it makes, or as Markdown."""
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in text)
