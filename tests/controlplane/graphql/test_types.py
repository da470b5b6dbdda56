"""How values become types of the schema."""

from __future__ import annotations

import msgspec
import pytest

from tenantry.controlplane.graphql.types import to_finding
from tenantry.language.findings import Edit, Finding, Position


@pytest.mark.parametrize(
    ("counterexample", "shown"), [(msgspec.UNSET, None), (None, "null"), ({"id": 0}, '{"id":0}'), ("", '""')]
)
def test_a_counterexample_is_json_for_null_may_be_one(counterexample: object, shown: str | None) -> None:
    finding = Finding(code="WF302", message="no", counterexample=counterexample, details="a table")
    assert (to_finding(finding).counterexample, to_finding(finding).details) == (shown, "a table")


def test_places_are_flat() -> None:
    edit = Edit(start=Position(1, 2), end=Position(3, 4), replacement="x")
    shown = to_finding(Finding(code="WF302", message="no", position=Position(5, 6), edit=edit))
    assert (shown.line, shown.column) == (5, 6)
    assert shown.edit is not None
    assert (shown.edit.start_line, shown.edit.start_column) == (1, 2)
    assert (shown.edit.end_line, shown.edit.end_column, shown.edit.replacement) == (3, 4, "x")
    bare = to_finding(Finding(code="WF302", message="no"))
    assert (bare.line, bare.column, bare.edit) == (None, None, None)
