"""Hypothesis strategies for templates, with scopes to evaluate them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from hypothesis import strategies as st

from tenantry.language.templates import Reference, Scope, Template
from tests.support.json_values import JSON_VALUES, TEXTS

if TYPE_CHECKING:
    from collections.abc import Sequence

# Few names and indexes, so that paths often lead somewhere.
NAMES: Final = st.sampled_from(["a", "b", "user-id", "with space", "it's", ""])
STEPS: Final = st.lists(NAMES | st.integers(0, 2), max_size=3).map(tuple)
DEFAULTS: Final[st.SearchStrategy[Any]] = st.just(msgspec.UNSET) | JSON_VALUES


def _paths() -> st.SearchStrategy[tuple[str, tuple[str | int, ...]]]:
    return st.one_of(
        st.tuples(st.just("input"), STEPS),
        st.builds(lambda task, rest: ("tasks", (task, "output", *rest)), NAMES, STEPS),
        st.builds(lambda task: ("tasks", (task, "status")), NAMES),
        st.builds(lambda name: ("secrets", (name,)), NAMES),
        st.sampled_from([("workflow", ("name",)), ("execution", ("id",)), ("tenant", ("name",))]),
    )


REFERENCES: Final = st.builds(
    lambda path, default: Reference(root=path[0], path=path[1], default=default), _paths(), DEFAULTS
)


def _merge_texts(parts: Sequence[str | Reference]) -> Template:
    merged: list[str | Reference] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return Template(tuple(part for part in merged if part != ""))


_PIECES: Final = TEXTS | st.sampled_from(["{", "{{", "}}", "{{{", "{{input.a}}", "'", "\\"])
TEMPLATES: Final = st.lists(REFERENCES | _PIECES, max_size=5).map(_merge_texts)

_TREES: Final[st.SearchStrategy[Any]] = st.recursive(
    st.sampled_from([None, True, 0, 1.5, "text", "{{input.a}}", "{{secrets.a}}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)

SCOPES: Final = st.builds(
    Scope,
    input=_TREES,
    outputs=st.dictionaries(NAMES, _TREES, max_size=4),
    statuses=st.dictionaries(NAMES, st.sampled_from(["completed", "skipped"]), max_size=4),
    workflow_name=st.just("summary"),
    execution_id=st.just("e-1"),
    tenant_name=st.just("{{input}}"),
    secrets=st.dictionaries(NAMES, st.just("s3cret"), max_size=3),
)
