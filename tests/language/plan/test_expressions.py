"""JMESPath in `transform` tasks: what it gives, what is refused, and that none does unbounded work."""

from __future__ import annotations

import json
from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.plan.expressions import compile_expression
from tenantry.language.templates import TemplateError, TemplateSyntaxError
from tests.support.json_values import JSON_VALUES

ORDERS: dict[str, Any] = {
    "orders": [
        {"id": 1, "status": "open", "cents": 300},
        {"id": 2, "status": "cancelled", "cents": 500},
        {"id": 3, "status": "open", "cents": 200},
    ]
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("orders[?status == 'open'].id", [1, 3]),
        ("{count: length(orders), worth: sum(orders[].cents)}", {"count": 3, "worth": 1000}),
        ("max_by(orders, &cents).id", 2),
        ("sort_by(orders, &cents)[*].id", [3, 1, 2]),
        ("orders[?cents > `250`] | [0].status", "open"),
        ("orders[?cents > 'x']", []),
        ("orders[?status >= 'open'].id", [1, 3]),
        ("orders[?`true` < `false`]", []),
        ("orders[0] | not_null(missing, id)", 1),
        ("orders[::-1].id", [3, 2, 1]),
        ("join('-', orders[].status)", "open-cancelled-open"),
        ("contains(orders[].id, `3`)", True),
        ("to_string(orders[0].id)", "1"),
        ("to_number('1.5')", 1.5),
        ("to_number('1_000')", None),
        ("to_number('1e999')", None),
        ("to_number('true')", None),
        ("to_number(`2`)", 2),
        ("orders[0].[id, status, missing]", [1, "open", None]),
        ("missing.[id]", None),
        ("missing.{id: id}", None),
        ("orders[].cents | avg(@) > `300`", True),
        ("missing", None),
    ],
)
def test_an_expression_gives_what_jmespath_says(expression: str, expected: Any) -> None:
    assert compile_expression(expression)(ORDERS) == expected


PIECES = [
    "a",
    "b.c",
    "[0]",
    "[*]",
    "[]",
    "[?a]",
    "[?a == b]",
    "*.a",
    "@",
    "{a: a, b: b}",
    "[a, b]",
    "length(@)",
]


@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4),
    st.recursive(
        JSON_VALUES,
        lambda inner: st.dictionaries(st.sampled_from("abc"), inner) | st.lists(inner, max_size=3),
        max_leaves=8,
    ),
)
def test_it_agrees_with_the_library(pieces: list[str], value: Any) -> None:
    expression = " | ".join(pieces)
    try:
        expected = jmespath.search(expression, value)
    except jmespath.exceptions.JMESPathError:
        with pytest.raises(TemplateError):
            compile_expression(expression)(value)
        return
    assert compile_expression(expression)(value) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("length(orders[0].id)", "length() takes string or array or object, and this is or holds number"),
        ("sum(orders[].status)", "sum() takes array-number, and this is or holds str"),
        ("sort_by(orders, &missing)", "sort_by() takes string or number, and this is or holds null"),
        ("contains('abc', `1`)", "requires string"),
        ("sum(`[1e308, 1e308]`)", "overflows"),
        (
            "sum(`[9223372036854775807, 9223372036854775807, 9223372036854775807]`)",
            "cannot be written as JSON",
        ),
        ("&orders", "cannot be written as JSON"),
        ("[&orders]", "cannot be written as JSON"),
    ],
)
def test_what_has_no_value_says_why_without_showing_values(expression: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_expression(expression)(ORDERS)

    assert reason in caught.value.reason
    assert "cancelled" not in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "offset", "message"),
    [
        ("", 0, "it is empty"),
        ("a..b", 2, '"." cannot stand here'),
        ("foo(", 4, "it ends too early"),
        ("a[" + "9" * 5000 + "]", 0, "not JMESPath"),
        ("a$", 1, "Unknown token $"),
        ("a.lenth(b)", 2, "there is no function lenth()"),
        ("length(a, b)", 0, "length() takes 1 arguments, not 2"),
        ("not_null()", 0, "not_null() takes 1 arguments, not 0"),
        ("a[::0]", 3, "the step of a slice"),
        ("`1e999`", 0, "a literal is no JSON value"),
        ("`99999999999999999999`", 0, "a literal is no JSON value"),
        ('{"\\u0000": a}', 0, "a literal is no JSON value"),
        ("'\0'", 0, "a literal is no JSON value"),
        ("(" * 3000, 0, "nested too deep"),
        ("a" * 8193, 8192, "at most 8192 characters"),
    ],
)
def test_what_is_no_expression_is_refused_when_compiling(expression: str, offset: int, message: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_expression(expression)

    assert message in caught.value.message
    assert caught.value.offset == offset


def test_an_expression_of_8192_characters_is_taken() -> None:
    assert compile_expression("a" * 8192)({"a" * 8192: 1}) == 1


def test_a_misspelt_function_suggests_the_nearest() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_expression("lenth(a)")
    assert caught.value.suggestion == "did you mean 'length'?"
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_expression("qqqqqq(a)")
    assert caught.value.suggestion == ""


DOUBLE_40_TIMES = " | ".join(["[@, @]"] * 40)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (DOUBLE_40_TIMES, "x"),
        (" | ".join(["{a: @, b: @}"] * 40), "x"),
        (f"to_string({DOUBLE_40_TIMES})", "x"),
        (f"({DOUBLE_40_TIMES}) == ({DOUBLE_40_TIMES})", "x"),
        (" | ".join(["[@, @]"] * 16) + "[]" * 16, "x"),
        ("join(a, b)", {"a": "x" * 1_000_000, "b": ["y"] * 100_000}),
        ("[*].{k: `" + json.dumps("z" * 4000) + "`}", list(range(100_000))),
        ("[?contains(`" + json.dumps(list(range(1500))) + "`, @)]", list(range(100_000))),
        ("[?" + " && ".join(["@ == `[1]`"] * 100) + "]", [[1]] * 10_000),
        ("map(&map(&length(@), @), @)", [["a"] * 1000] * 1000),
        (" || ".join(["a == b"] * 20), {"a": ["x" * 1_000_000], "b": ["x" * 1_000_001]}),
        ("[" * 200 + "@" + "]" * 200, json.loads("[" * 60 + "]" * 60)),
        ("missing" + " || missing" * 600, {}),
    ],
)
def test_work_without_bound_is_stopped(expression: str, value: Any) -> None:
    with pytest.raises(TemplateError):
        compile_expression(expression)(value)


def test_a_result_out_of_all_proportion_is_refused() -> None:
    with pytest.raises(TemplateError, match="more than 8388608 bytes"):
        compile_expression("@")("x" * 9_000_000)


def test_ten_thousand_orders_are_not_too_much_work() -> None:
    summary = compile_expression("{open: length(orders[?status == 'open']), worth: sum(orders[].cents)}")

    assert summary({"orders": ORDERS["orders"] * 3333}) == {"open": 6666, "worth": 3_333_000}
