"""Hypothesis strategies for mutants of a workflow: one thing left out, replaced or added, as authors err."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

Path: TypeAlias = tuple[str | int, ...]

_TEMPLATE: Final = re.compile(r"\{\{[^}]+\}\}")
_LITERALS: Final[tuple[Any, ...]] = (None, True, -1, 0, 1, "", "x", [], {}, ["x"])
_BODIES: Final = frozenset(("taskRef", "workflowRef", "switch", "tasks"))
_COMPARED: Final = ("== 1", "!= 'x'", "> 0", "== null", "in ['x', 1]", "== 'completed'")


@st.composite
def mutants(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """Another document, mostly no valid one."""
    mutant = deepcopy(document)
    draw(st.sampled_from((_leave_out, _replace, _replace, _add)))(draw, mutant["spec"])
    return mutant


def _leave_out(draw: st.DrawFn, spec: dict[str, Any]) -> None:
    """What an input schema says of its types stays: inputs are made from it."""
    places = [path for path in _places(spec) if path[0] != "input" or path[-2:-1] == ("required",)]
    path = draw(st.sampled_from(places))
    del _at(spec, path[:-1])[path[-1]]


def _replace(draw: st.DrawFn, spec: dict[str, Any]) -> None:
    """One template of a text by another one, or the whole text by a template or a literal."""
    places = [path for path in _places(spec) if path[0] in {"tasks", "output"} and _is_text(spec, path)]
    path = draw(st.sampled_from(places))
    text = _at(spec, path)
    part = draw(st.sampled_from([*_TEMPLATE.findall(text), text]))
    other = draw(st.sampled_from([*_templates(spec), *(_LITERALS if part == text else ())]))
    _at(spec, path[:-1])[path[-1]] = text.replace(part, other) if isinstance(other, str) and part else other


def _add(draw: st.DrawFn, spec: dict[str, Any]) -> None:
    """A field that changes what a step gives, or whether."""
    steps = [path for path in _places(spec) if _is_step(_at(spec, path))]
    step = _at(spec, draw(st.sampled_from(steps)))
    values = st.sampled_from([*_templates(spec), *_LITERALS])
    condition = f"{draw(st.sampled_from(_templates(spec)))} {draw(st.sampled_from(_COMPARED))}"
    additions = (
        {"optional": True},
        {"condition": {"if": condition}},
        {"fallback": {"value": draw(values)}},
        {"forEach": {"items": draw(values), "itemVar": "added", "onItemFailure": "continue"}},
    )
    step.update(draw(st.sampled_from(additions)))


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where anything stands in a value, the value itself left out."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in entries:
        yield (*path, key)
        yield from _places(child, (*path, key))


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _is_step(value: Any) -> bool:
    return isinstance(value, dict) and "id" in value and not _BODIES.isdisjoint(value)


def _is_text(spec: dict[str, Any], path: Path) -> bool:
    return isinstance(_at(spec, path), str) and path[-1] not in {"id", "taskRef", "workflowRef"}


def _templates(spec: dict[str, Any]) -> list[str]:
    texts = [_at(spec, path) for path in _places(spec) if _is_text(spec, path)]
    return sorted({found for text in texts for found in _TEMPLATE.findall(text)} | {"{{workflow.name}}"})
