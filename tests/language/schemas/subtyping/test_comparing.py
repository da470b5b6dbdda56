"""Comparing schemas: what the answers say, what is not known, and that every comparison ends."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import pytest

from tenantry.language.schemas import (
    UNTYPED,
    Fits,
    Refuted,
    Unknown,
    compare,
    compile_validator,
    is_untyped,
)
from tenantry.language.schemas.structure import inline
from tenantry.language.schemas.subtyping import Comparisons, comparing

TEXT: dict[str, Any] = {"type": "string"}


def obj(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


def test_a_refutation_says_where_and_what_is_wrong_in_the_words_of_violations() -> None:
    given = obj(items={"type": "array", "items": obj(price={"type": "number"})})
    taken = obj(items={"type": "array", "items": obj(price={"type": "integer"})})

    assert compare(given, taken) == Refuted(
        {"items": [{"price": 0.5}]}, "/items/0/price", '0.5 is not of type "integer"'
    )


def test_a_counterexample_has_one_fault() -> None:
    given = {"type": "array", "items": {"type": ["integer", "null"]}, "minItems": 2}
    closed = {**obj(a=TEXT, b=TEXT), "properties": {"a": {"minLength": 3}, "b": {"minLength": 2}}}

    verdict = compare(given, {"prefixItems": [{"type": "integer"}, {"type": "integer"}]})
    assert isinstance(verdict, Refuted)
    assert verdict.counterexample in ([None, 0], [None, None])
    assert isinstance(compare({**obj(a=TEXT, b=TEXT)}, closed), Refuted)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (UNTYPED, TEXT),
        (UNTYPED, False),
        (obj(a=UNTYPED), obj(a=TEXT)),
        (obj(a=UNTYPED), obj(a={"oneOf": [TEXT, {"type": "null"}]})),
        (obj(a={"anyOf": [UNTYPED, TEXT]}), obj(a=TEXT)),
        (obj(a={"allOf": [UNTYPED, {"anyOf": [TEXT, {"const": "x"}]}]}), obj(a=TEXT)),
        ({"type": "array", "items": UNTYPED}, {"items": TEXT}),
        ({"type": "array", "items": UNTYPED, "minItems": 1}, {"contains": TEXT}),
        ({"type": "array", "prefixItems": [UNTYPED, TEXT]}, {"prefixItems": [{"type": "null"}]}),
        ({"type": "object", "additionalProperties": UNTYPED}, {"additionalProperties": False}),
        ({"type": "object", "additionalProperties": UNTYPED}, {"propertyNames": {"maxLength": 1}}),
        ({"type": "object", "additionalProperties": UNTYPED}, {"maxProperties": 0}),
        ({"$ref": "#/$defs/a", "$defs": {"a": UNTYPED}}, TEXT),
        ({"allOf": [{"properties": {"a": UNTYPED}}, {"type": "object"}]}, {"properties": {"a": TEXT}}),
        ({"type": "object", "patternProperties": {"^a": UNTYPED}}, {"patternProperties": {"^ab": TEXT}}),
    ],
)
def test_what_is_not_known_is_never_to_blame(given: Any, taken: Any) -> None:
    assert compare(given, taken) == Fits()
    assert compare(inline(given, given), taken) == Fits()


@pytest.mark.parametrize(
    ("given", "taken", "counterexample", "pointer"),
    [
        ({}, TEXT, None, ""),
        (obj(a={}), obj(a=TEXT), {"a": None}, "/a"),
        ({"anyOf": [UNTYPED, {"type": "null"}]}, TEXT, None, ""),
        ({"allOf": [UNTYPED, {"type": "integer"}]}, TEXT, 0, ""),
        ({"allOf": [UNTYPED, {"anyOf": [{"type": "null"}, {"const": 1}]}]}, TEXT, None, ""),
        (obj(a=UNTYPED, b={"type": "integer"}), obj(a=TEXT, b=TEXT), {"a": "", "b": 0}, "/b"),
        ({"type": "object", "properties": {"a": UNTYPED}}, {"required": ["a"]}, {}, ""),
        (obj(a=UNTYPED), {"maxProperties": 0}, {"a": None}, ""),
        (
            {"type": "array", "prefixItems": [UNTYPED, {"type": "null"}], "minItems": 2},
            {"items": TEXT},
            ["", None],
            "/1",
        ),
        ({"not": UNTYPED}, TEXT, None, None),
    ],
)
def test_what_is_known_beside_it_counts(
    given: Any, taken: Any, counterexample: Any, pointer: str | None
) -> None:
    verdict = compare(given, taken)

    if pointer is None:
        assert verdict == Fits()
        return
    assert isinstance(verdict, Refuted)
    assert (verdict.counterexample, verdict.pointer) == (counterexample, pointer)


def test_only_the_mark_says_that_nothing_is_known() -> None:
    assert is_untyped(UNTYPED)
    assert is_untyped(inline(obj(a=UNTYPED), UNTYPED))
    assert not is_untyped({})
    assert not is_untyped(True)


def test_the_steps_are_a_limit() -> None:
    given = {"type": "object", "minProperties": 20}
    taken = {"anyOf": [{"maxProperties": 3}, {"required": ["a"]}]}

    assert compare(given, taken, max_steps=3) == Unknown("not decided within 3 steps")
    assert isinstance(compare(given, taken), Refuted)


HARD: dict[str, Any] = {"type": "string", "pattern": "^(a|b)*a(a|b){20}$"}
HARDER: dict[str, Any] = {"type": "string", "pattern": "^(a|b)*b(a|b){19}$"}


def test_comparisons_share_a_budget_and_say_so_when_nothing_is_left_of_it() -> None:
    comparisons = Comparisons(2_000)

    assert comparisons.compare(HARD, HARDER) == Unknown("not decided within 2000 steps")
    assert comparisons.left <= 0
    left_out = Unknown("the comparisons before it took all the work there may be")
    assert comparisons.compare({"const": 1}, {"type": "string"}) == left_out


def test_a_hard_comparison_is_made_once() -> None:
    comparisons = Comparisons(20_000)

    first = comparisons.compare(HARD, HARDER)
    left = comparisons.left
    assert left < 20_000
    assert comparisons.compare(HARD, HARDER) == first
    assert comparisons.left == left


def test_comparisons_use_the_budget_of_those_they_are_a_part_of() -> None:
    around = Comparisons(3_000)
    inner = Comparisons(2_000, around)

    inner.compare(HARD, HARDER)
    assert around.left < 3_000
    assert Comparisons(2_000, around).left == around.left


def test_what_is_large_takes_steps_even_if_it_plainly_fits() -> None:
    comparisons = Comparisons(10_000)
    large = {"enum": [f"{number:0100}" for number in range(1_000)]}

    assert comparisons.compare(large, {"type": "string"}) == Fits()
    assert comparisons.left < 10_000
    assert comparisons.compare({"const": "a"}, {"type": "string"}) == Fits()


def _wide(count: int, kind: str) -> dict[str, Any]:
    """An object that has one of two sets of fields, so many times over."""
    return {
        "type": "object",
        "allOf": [
            {"anyOf": [{"required": [f"{kind}{n}"]}, {"required": [f"{kind}{n}x"]}]} for n in range(count)
        ],
    }


def _nested(levels: int, keyword: str) -> Any:
    schema: Any = {"type": "integer"}
    for _ in range(levels):
        schema = {keyword: [schema] if keyword.endswith("Of") or keyword == "prefixItems" else schema}
    return schema


@pytest.mark.parametrize(
    ("given", "taken", "reason"),
    [
        (_wide(40, "a"), {"not": _wide(40, "a")}, None),
        (_wide(12, "a"), _wide(12, "b"), None),
        (obj(a={"pattern": "^\\p{L}{3}9$", **TEXT}), obj(a={"pattern": "^\\p{Lu}"}), "'^"),
        ({**TEXT, "minLength": 10**6}, {"pattern": "b$"}, "too long"),
        ({"type": "array", "minItems": 10**6}, {"uniqueItems": False, "items": TEXT}, "too long"),
        ({"type": "array", "minItems": 400}, {"not": {"contains": {"const": 1}}}, "too long"),
        ({"type": "object", "minProperties": 10**6}, {"properties": {"a": TEXT}}, "too large"),
        (
            {"type": "object", "patternProperties": {f"{n}$": TEXT for n in range(8)}},
            {"additionalProperties": False},
            "patterns of names",
        ),
        (
            {"type": "object", "allOf": [{"not": {"propertyNames": {"const": str(n)}}} for n in range(9)]},
            {"maxProperties": 0, "type": "null"},
            "free",
        ),
        (
            {"type": "array", "allOf": [{"contains": {"const": n}} for n in range(8)]},
            {"maxItems": 1},
            "contains",
        ),
        (
            {"type": "integer", "multipleOf": 7, "not": {"multipleOf": 10**6}},
            {"maximum": -(10**9), "type": "null"},
            None,
        ),
        (
            {"type": "integer", "multipleOf": 7, "minimum": 10**30, "maximum": 10**30 + 99},
            False,
            "multipleOf",
        ),
        ({"type": "array", "contains": {"const": 1}, "minContains": 400}, {"type": "null"}, "too long"),
        (
            {"type": "object", "patternProperties": {"^\\p{L}{4}9": TEXT}},
            {"patternProperties": {"^\\p{L}{4}9": {"type": "integer"}}},
            "pattern",
        ),
        ({"type": "string", "pattern": "^[^\\s\\S]+$"}, {"type": "null"}, None),
        ({"type": "integer", "minimum": 1e300, "maximum": 1e300, "multipleOf": 3}, False, None),
        ({"type": "number", "minimum": 10**400, "maximum": 10**400}, False, None),
        (
            {"type": "number", "exclusiveMinimum": 1.0, "exclusiveMaximum": 1.0000000000000002},
            {"type": "integer"},
            "too fine",
        ),
        (
            {
                "type": "array",
                "uniqueItems": True,
                "minItems": 2,
                "prefixItems": [{"const": 1}, {"enum": [1]}],
            },
            False,
            "uniqueItems",
        ),
        (
            {"anyOf": [{"properties": {str(n): True}} for n in range(10)], "unevaluatedProperties": False},
            {"maxProperties": 5},
            "unevaluatedProperties",
        ),
        (_nested(60, "not"), _nested(60, "prefixItems"), None),
        (_nested(60, "items"), _nested(59, "items"), None),
        ({"enum": list(range(3_000))}, {"anyOf": [{"enum": list(range(2_999))}, {"minimum": 3_000}]}, None),
    ],
)
def test_every_comparison_ends_and_says_what_was_too_hard(given: Any, taken: Any, reason: str | None) -> None:
    verdict = compare(given, taken)

    if reason is not None:
        assert isinstance(verdict, Unknown), verdict
        assert reason in verdict.reason


def test_schemas_may_hold_numbers_that_no_value_can() -> None:
    assert compare({"enum": [2**70]}, {"type": "integer", "enum": [2**70, 1]}) == Fits()
    assert compare({"enum": [2**70, "a"]}, {"not": {"enum": [2**70]}, "type": "string"}) != Fits()


def test_a_schema_that_is_too_deep_is_unknown() -> None:
    levels: dict[str, Any] = {"d90": {"type": "integer"}}
    for level in range(90):
        levels[f"d{level}"] = {"items": {"$ref": f"#/$defs/d{level + 1}"}, "minItems": 1, "type": "array"}
    given = {"$ref": "#/$defs/d0", "$defs": levels}
    other = {"$ref": "#/$defs/d0", "$defs": {**levels, "d90": {"type": "string"}}}

    assert compare(given, other) == Unknown("the schemas are nested too deeply to compare")


def test_a_comparison_near_the_end_of_the_stack_is_unknown() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 60)
    try:
        verdict = compare(_nested(50, "not"), {"type": "object", "required": ["a"]})
    finally:
        sys.setrecursionlimit(limit)

    assert verdict == Unknown("the schemas are nested too deeply to compare")


def test_a_counterexample_that_the_engine_does_not_confirm_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    takes_all = compile_validator(True)
    monkeypatch.setattr(comparing, "compile_checked", lambda _: takes_all)

    assert isinstance(compare({"type": "string"}, {"maxLength": 77}), Unknown)
