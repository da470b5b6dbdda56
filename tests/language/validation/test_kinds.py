from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.language.validation.kinds import KINDS, kinds_of, values_of, with_default

if TYPE_CHECKING:
    from tenantry.language.values import Json


@pytest.mark.parametrize(
    ("schema", "kinds"),
    [
        ({}, KINDS),
        (True, KINDS),
        (False, set()),
        ({"type": "integer"}, {"number"}),
        ({"type": ["string", "null"]}, {"string", "null"}),
        ({"enum": [1, 1.5, "a", None, True]}, {"number", "string", "null", "boolean"}),
        ({"anyOf": [{"type": "string"}, {"const": []}]}, {"string", "array"}),
    ],
)
def test_a_schema_allows_kinds_and_all_of_them_when_it_does_not_say(schema: Json, kinds: set[str]) -> None:
    assert kinds_of(schema) == kinds


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (True, None),
        ({"type": "string"}, None),
        ({"const": 1}, (1,)),
        ({"enum": ["a", "b"]}, ("a", "b")),
        ({"anyOf": [{"enum": ["a"]}, {"const": "b"}]}, ("a", "b")),
        ({"anyOf": [{"enum": ["a"]}, True]}, None),
    ],
)
def test_only_a_schema_that_lists_its_values_has_values(
    schema: Json, values: tuple[Json, ...] | None
) -> None:
    assert values_of(schema) == values


@pytest.mark.parametrize(
    ("schema", "kinds"),
    [
        ({"type": "string"}, {"string", "number"}),
        ({"type": ["string", "null"]}, {"string", "number"}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, KINDS),
        ({}, KINDS),
    ],
)
def test_a_default_stands_in_for_null_and_is_one_of_the_values(schema: Json, kinds: set[str]) -> None:
    assert kinds_of(with_default(schema, 5)) == kinds
