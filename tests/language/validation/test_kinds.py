from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.language.schemas.untyped import UNTYPED
from tenantry.language.validation.kinds import (
    KINDS,
    NOT_NULL,
    NULL,
    kinds_of,
    nullable,
    union,
    values_of,
    with_default,
)

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
        ({"type": "boolean"}, (False, True)),
        (NULL, (None,)),
        ({"type": ["boolean", "null"]}, None),
    ],
)
def test_only_a_schema_that_lists_its_values_has_values(
    schema: Json, values: tuple[Json, ...] | None
) -> None:
    assert values_of(schema) == values


@pytest.mark.parametrize(
    ("schema", "optional", "expected"),
    [
        ({"type": "string"}, False, {"type": "string"}),
        ({"type": "string"}, True, {"anyOf": [{"const": 5}, {"type": "string"}]}),
        ({"type": ["string", "null"]}, False, {"anyOf": [{"const": 5}, {"type": "string"}]}),
        ({"anyOf": [{"type": "string"}, NULL]}, False, {"anyOf": [{"const": 5}, {"type": "string"}]}),
        ({"oneOf": [{"const": 1}, NULL]}, False, {"anyOf": [{"const": 5}, {"oneOf": [{"const": 1}]}]}),
        ({"enum": ["a", None]}, False, {"anyOf": [{"const": 5}, {"enum": ["a"]}]}),
        ({"const": None}, False, {"const": 5}),
        ({}, False, {"anyOf": [{"const": 5}, {"allOf": [{}, NOT_NULL]}]}),
        (True, False, {"anyOf": [{"const": 5}, NOT_NULL]}),
        (UNTYPED, False, {"anyOf": [{"const": 5}, UNTYPED]}),
    ],
)
def test_a_default_stands_in_for_null_and_for_what_is_not_there(
    schema: Json, *, optional: bool, expected: Json
) -> None:
    assert with_default(schema, 5, optional=optional) == expected


def test_a_union_has_each_schema_once_and_single_values_together() -> None:
    assert union([{"const": 1}]) == {"const": 1}
    assert union([{"const": 1}, {"type": "null"}, {"const": "a"}, {"const": 1}, {"type": "null"}]) == {
        "anyOf": [{"enum": [1, "a"]}, {"type": "null"}]
    }


def test_what_is_null_anyway_is_nullable() -> None:
    assert nullable(NULL) == NULL
    assert nullable({"const": 1}) == {"anyOf": [{"const": 1}, NULL]}
