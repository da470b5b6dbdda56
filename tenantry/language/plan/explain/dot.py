"""A plan as a drawing for Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.plan.explain.drawing import arrows, words
from tenantry.language.plan.explain.wording import headline
from tenantry.language.plan.model import GroupPlan, SubworkflowPlan, SwitchPlan
from tenantry.language.plan.outline import outline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.language.plan.explain.drawing import Arrow
    from tenantry.language.plan.model import Plan
    from tenantry.language.plan.outline import Part

_SHAPES: Final = ((SwitchPlan, "diamond"), (SubworkflowPlan, "component"), (GroupPlan, "folder"))


def explain_dot(plan: Plan) -> str:
    """A plan in the DOT language: a box for every part, a frame around every part with others inside.

    Solid lines wait; dashed ones lead to what is inside a part or stands in for it. The longest path is bold.
    """
    drawn = outline(plan)
    framed = {part.id for part in drawn.walk() if part.parts}
    return "\n".join(
        (
            f"digraph {_quoted(plan.workflow)} {{",
            f"  graph [compound=true, rankdir=LR, label={_quoted(headline(drawn))}];",
            '  node [shape=box, fontname="sans-serif"];',
            *(line for part in drawn.parts for line in _part(part, "  ")),
            *(f"  {_arrow(arrow, framed)}" for arrow in arrows(drawn.parts)),
            "}",
            "",
        )
    )


def _part(part: Part, indent: str) -> Iterator[str]:
    shape = next((shape for kind, shape in _SHAPES if isinstance(part.body, kind)), "box")
    style = ", penwidth=2" if part.critical else ""
    box = f"{_quoted(part.id)} [shape={shape}, label={_quoted(*words(part))}{style}];"
    if not part.parts:
        yield f"{indent}{box}"
        return
    yield f"{indent}subgraph {_quoted(_frame(part.id))} {{"
    yield f'{indent}  label="";'
    yield f"{indent}  {box}"
    for inner in part.parts:
        yield from _part(inner, f"{indent}  ")
    yield f"{indent}}}"


def _arrow(arrow: Arrow, framed: set[str]) -> str:
    options = [] if arrow.solid else ["style=dashed"]
    if arrow.solid:
        options += [f"ltail={_quoted(_frame(arrow.source))}"] * (arrow.source in framed)
        options += [f"lhead={_quoted(_frame(arrow.target))}"] * (arrow.target in framed)
    return f"{_quoted(arrow.source)} -> {_quoted(arrow.target)} [{', '.join(options)}];"


def _frame(part: str) -> str:
    return f"cluster_{part}"


def _quoted(*lines: str) -> str:
    # In a label `&` begins an entity and a backslash an escape; in quotes nothing else means anything.
    escaped = (
        line.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;").replace("\n", " ")
        for line in lines
    )
    return '"' + "\\n".join(escaped) + '"'
