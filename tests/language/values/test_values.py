"""The bounded JSON parser: what it refuses, and that it otherwise reads what JSON says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.values import (
    JsonError,
    canonical_json,
    dump_json,
    parse_json,
    pointer_token,
    type_name,
)
from tests.support.json_values import JSON_VALUES, TEXTS


def _nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _model(data: bytes) -> Any:
    """Our JSON, with the standard library: slow, and plainly right."""
    value = json.loads(data.decode(), parse_constant=_refuse_constant)
    _check(value, 0)
    return value


def _check(value: Any, depth: int) -> None:
    match value:
        case list() | dict():
            if depth == 64:
                raise ValueError("too deep")
            for item in [*value, *value.values()] if isinstance(value, dict) else value:
                _check(item, depth + 1)
        case str():
            if "\0" in value:
                raise ValueError("NUL")
            value.encode()
        case float():
            if value in (float("inf"), float("-inf")):
                raise ValueError("overflow")
        case int():
            if not -(2**63) <= value < 2**63:
                raise ValueError("not 64 bits")


def _judged(parse: Any, data: bytes) -> tuple[bool, Any]:
    try:
        return True, parse(data)
    except ValueError:
        return False, None


@given(JSON_VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert parse_json(dump_json(value)) == value
    assert parse_json(json.dumps(value).encode()) == value


@given(
    st.lists(
        st.sampled_from([*'[]{},:"\\u0a1-+.eE 9', "null", "true", "18446744073709551616", '"\\ud800"']),
        max_size=14,
    )
)
def test_any_text_is_judged_as_the_model_judges_it(pieces: list[str]) -> None:
    data = "".join(pieces).encode()

    assert _judged(parse_json, data) == _judged(_model, data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"{'a': 1}", "line 1, column 2"),
        (b"NaN", "not JSON"),
        (b"-Infinity", "not JSON"),
        (b"1e999", "not JSON"),
        (b'"\\ud800"', "not JSON"),
        (b'"\xff"', "not JSON"),
        (b"\xef\xbb\xbf1", "not JSON"),
        (b"9223372036854775808", "does not fit in 64 bits"),
        (b'{"id": -9223372036854775809}', "does not fit in 64 bits"),
        (b"0." + b"1" * 300, "more than 300 digits"),
        (b'{"a": ["x\\u0000"]}', r"a string holds U\+0000, which cannot be stored"),
        (b'{"a\\u0000": 1}', "U\\+0000"),
        (_nested(65), "nested deeper than 64"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested deeper than 64"),
        (b'[{"a":' * 33 + b"1" + b"}]" * 33, "nested deeper than 64"),
        (_nested(1000), "nested deeper than 64"),
        (_nested(100_000), "not JSON"),
    ],
)
def test_a_text_out_of_bounds_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(JsonError, match=reason) as caught:
        parse_json(data)
    assert caught.value.reason == str(caught.value)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b'"12345678901234567890123"', "12345678901234567890123"),
        (b'["\\"98765432109876543210"]', ['"98765432109876543210']),
        (b"0.12345678901234567890", 0.12345678901234568),
        (b'"\\\\u0000"', "\\u0000"),
        (b'["' + b"[" * 100 + b'"]', ["[" * 100]),
        (b'"' + b"{[" * 100 + b'"', "{[" * 100),
        (b"[" + b"[]," * 100 + b"[]]", [[]] * 101),
    ],
)
def test_what_only_looks_out_of_bounds_is_read(data: bytes, value: Any) -> None:
    assert parse_json(data) == value


def test_64_levels_are_read() -> None:
    assert dump_json(parse_json(_nested(64))) == _nested(64)


@pytest.mark.parametrize("value", [2**64, "\ud800", {1: 2}])
def test_what_is_no_json_value_is_not_written(value: Any) -> None:
    with pytest.raises(JsonError, match="cannot be written as JSON"):
        dump_json(value)


@given(st.dictionaries(TEXTS, JSON_VALUES))
def test_equal_objects_have_equal_canonical_json_whatever_the_order(value: dict[str, Any]) -> None:
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


def test_types_have_their_json_schema_names() -> None:
    values: list[Any] = [None, True, 1, 1.5, "", [], {}]

    assert [type_name(value) for value in values] == [
        "null",
        "boolean",
        "integer",
        "number",
        "string",
        "array",
        "object",
    ]


def test_a_pointer_escapes_tilde_and_slash() -> None:
    assert pointer_token("a/b~c") + pointer_token(0) == "/a~1b~0c/0"
