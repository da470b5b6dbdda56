"""Which types a schema allows: an integer is a number, and a multiple of one has no fraction."""

from __future__ import annotations

from typing import Any

import pytest

from tenantry.language.schemas import types_of


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"type": "number"}, {"integer", "number"}),
        ({"type": "number", "multipleOf": 2}, {"integer"}),
        ({"type": "number", "multipleOf": 0.5}, {"integer", "number"}),
        ({"const": 1.0}, {"integer"}),
        (False, set()),
        ({"minimum": 1}, None),
        ({"enum": list(range(200))}, {"integer"}),
    ],
)
def test_types_are_those_a_value_may_have(schema: Any, types: set[str] | None) -> None:
    assert types_of(schema, schema) == types
