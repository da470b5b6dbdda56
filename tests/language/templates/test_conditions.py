"""Conditions: their grammar, and that compiled ones give what a naive interpreter gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.language.templates import (
    Compare,
    Comparison,
    Connective,
    Expression,
    Logic,
    Not,
    Read,
    Reference,
    Scope,
    TemplateError,
    TemplateSyntaxError,
    Value,
    comparison_problem,
    compile_condition,
    parse_condition,
)
from tenantry.language.templates.model import literal_text

FIELDS: dict[str, Any] = {
    "null": None,
    "yes": True,
    "no": False,
    "one": 1,
    "half": 0.5,
    "text": "open",
    "list": [1, True, "open", None, 0.5],
    "object": {},
}
SCOPE = Scope(input=FIELDS)

_LITERALS = st.sampled_from([None, True, False, 0, 1, 1.0, 0.5, "open", "z", [1, "open"], []])
_LEAVES = st.one_of(
    st.builds(lambda value: Value(offset=0, length=0, value=value), _LITERALS),
    st.sampled_from([*FIELDS, "missing"]).map(
        lambda name: Read(offset=0, length=0, reference=Reference(root="input", path=(name,)))
    ),
)


def _extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(lambda operand: Not(offset=0, length=0, operand=operand), inner),
        st.builds(
            lambda comparison, left, right: Compare(
                offset=0, length=0, comparison=comparison, left=left, right=right
            ),
            st.sampled_from(Comparison),
            inner,
            inner,
        ),
        st.builds(
            lambda connective, operands: Logic(
                offset=0, length=0, connective=connective, operands=tuple(operands)
            ),
            st.sampled_from(Connective),
            st.lists(inner, min_size=2, max_size=3),
        ),
    )


EXPRESSIONS: st.SearchStrategy[Any] = st.recursive(_LEAVES, _extend, max_leaves=8)


def written(expression: Expression) -> str:
    """The expression with every part in parentheses."""
    match expression:
        case Value(value=value):
            return literal_text(value)
        case Read(reference=reference):
            return str(reference)
        case Not(operand=operand):
            return f"!({written(operand)})"
        case Compare(comparison=comparison, left=left, right=right):
            return f"({written(left)}) {comparison} ({written(right)})"
        case Logic(connective=connective, operands=operands):
            return f" {connective} ".join(f"({written(operand)})" for operand in operands)


class RefusedError(Exception):
    """The model says that the condition has no truth."""


def truth(expression: Expression) -> bool:
    value = evaluate(expression)
    if value is not True and value is not False:
        raise RefusedError
    return value


def evaluate(expression: Expression) -> Any:
    """The model: SPEC 1.5 read aloud."""
    match expression:
        case Value(value=value):
            return value
        case Read(reference=reference):
            if reference.path[0] == "missing":
                raise RefusedError
            return FIELDS[str(reference.path[0])]
        case Not(operand=operand):
            return not truth(operand)
        case Logic(connective=connective, operands=operands):
            decided = connective is Connective.OR
            for operand in operands:
                if truth(operand) is decided:
                    return decided
            return not decided
        case Compare(comparison=comparison, left=left, right=right):
            return compared(comparison, evaluate(left), evaluate(right))


def kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value))
    return "number" if isinstance(value, int | float) else str(type(value))


def compared(comparison: Comparison, left: Any, right: Any) -> bool:
    nested = (list, dict)
    if comparison is Comparison.IN:
        if not isinstance(right, list) or isinstance(left, nested):
            raise RefusedError
        return any(kind(left) == kind(item) and left == item for item in right)
    if comparison in {Comparison.EQUAL, Comparison.NOT_EQUAL}:
        if left is not None and right is not None and (kind(left) != kind(right) or isinstance(left, nested)):
            raise RefusedError
        return (kind(left) == kind(right) and left == right) == (comparison is Comparison.EQUAL)
    if kind(left) != kind(right) or not isinstance(left, int | float | str) or isinstance(left, bool):
        raise RefusedError
    return bool(eval(f"left {comparison} right"))  # noqa: S307  (the operator is one of our own four)


@given(EXPRESSIONS)
def test_a_compiled_condition_gives_what_the_model_gives(expression: Expression) -> None:
    predicate = compile_condition(parse_condition(written(expression)))
    try:
        expected = truth(expression)
    except RefusedError:
        with pytest.raises(TemplateError):
            predicate(SCOPE)
        return
    assert predicate(SCOPE) is expected


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("true || true && false", "(true) || ((true) && (false))"),
        ("(true || true) && false", "((true) || (true)) && (false)"),
        ("!{{input.no}} && true", "(!({{input.no}})) && (true)"),
        ("!{{input.no}} == true", "(!({{input.no}})) == (true)"),
        ("1 < 2 && 'a' != 'b'", "((1) < (2)) && (('a') != ('b'))"),
        ("1<2&&2>=1||3<=3", "(((1) < (2)) && ((2) >= (1))) || ((3) <= (3))"),
        ("{{input.text}} in ['open', \"x\"]", "({{input.text}}) in (['open', 'x'])"),
        ("  !!( {{ input.yes }} )  ", "!(!({{input.yes}}))"),
        ("{{input.a ?? false}}", "{{input.a ?? false}}"),
    ],
)
def test_operators_bind_as_documented(text: str, grouped: str) -> None:
    assert written(parse_condition(text).expression) == grouped


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("", 0, "expected a text in quotes"),
        ("   ", 3, "expected a text in quotes"),
        ("{{input.a}} ==", 14, "expected a text in quotes"),
        ("{{input.a}} = 1", 12, "expected an operator"),
        ("{{input.a}} 1", 12, "expected an operator"),
        ("{{input.a}} inside ['x']", 12, "expected an operator"),
        ("{{input.a}} == open", 15, "not 'open'"),
        ("input.a == 1", 0, "not 'input'; a path stands in {{ }}"),
        ("1 < 2 < 3", 6, "does not chain"),
        ("(true", 5, "expected ')'"),
        ("true)", 4, "expected an operator"),
        ("'{{input.a}}' == 'x'", 0, "remove the quotes"),
        ("{{input.a}} in ['{{input.b}}']", 15, "remove the quotes"),
        ("{{input.a} == 1", 9, "expected '}}'"),
        ("!" * 65 + "true", 64, "nested deeper than 64"),
        ("(" * 65 + "true", 64, "nested deeper than 64"),
    ],
)
def test_a_mistake_is_refused_at_its_character(text: str, offset: int, message: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        parse_condition(text)

    assert message in caught.value.message
    assert caught.value.offset == offset


def test_nodes_say_where_they_stand() -> None:
    text = "  {{input.a}} == 'x'  && !( {{input.b}} )"
    condition = parse_condition(text)
    expression = condition.expression

    assert isinstance(expression, Logic)
    places = [text[node.offset : node.offset + node.length] for node in (expression, *expression.operands)]
    assert places == ["{{input.a}} == 'x'  && !( {{input.b}} )", "{{input.a}} == 'x'", "!( {{input.b}} )"]


def test_references_come_in_the_order_of_the_text() -> None:
    condition = parse_condition("{{input.a}} in {{input.b}} || !({{input.c}} == 1 && {{input.d}})")

    assert [reference.path_text for reference in condition.references] == [
        "input.a",
        "input.b",
        "input.c",
        "input.d",
    ]


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("true && {{input.one}} == 'x'", "{{input.one}} == 'x'", "number == string cannot be compared"),
        ("{{input.list}} == {{input.list}}", "{{input.list}} == {{input.list}}", "array == array"),
        ("{{input.null}} < 1", "{{input.null}} < 1", "null < number"),
        ("1 in {{input.text}}", "1 in {{input.text}}", "number in string"),
        ("!{{input.one}}", "{{input.one}}", "expected a boolean, and this is number"),
        ("{{input.text}}", "{{input.text}}", "expected a boolean, and this is string"),
    ],
)
def test_what_cannot_be_compared_names_the_place_and_both_types(text: str, path: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_condition(parse_condition(text))(SCOPE)

    assert caught.value.path == path
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{input.text}} in ['open', 'closed']", True),
        ("{{input.text}} in ['closed']", False),
        ("1 in {{input.list}}", True),
        ("false in {{input.list}}", False),
        ("null in {{input.list}}", True),
        ("0 in [false]", False),
        ("1 == 1.0", True),
        ("{{input.object}} != null", True),
        ("'a' < 'b' && 2 > 1 && 2 >= 2 && 1 <= 1", True),
    ],
)
def test_nothing_is_coerced(text: str, expected: bool) -> None:  # noqa: FBT001  (a column of the table)
    assert compile_condition(parse_condition(text))(SCOPE) is expected


def test_what_does_not_decide_is_not_evaluated() -> None:
    assert compile_condition(parse_condition("true || {{input.missing}}"))(SCOPE)
    assert not compile_condition(parse_condition("false && {{input.missing}}"))(SCOPE)


def test_anything_may_be_compared_to_null() -> None:
    for kind_ in ("null", "boolean", "number", "string", "array", "object"):
        assert comparison_problem(Comparison.EQUAL, kind_, "null") == ""


def test_a_long_chain_is_not_a_deep_one() -> None:
    text = " && ".join(["true"] * 1000)

    assert compile_condition(parse_condition(text))(SCOPE)


def test_a_condition_has_at_most_a_thousand_operands() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        parse_condition(" && ".join(["true"] * 1001))

    assert (caught.value.message, caught.value.offset) == ("a condition has at most 1000 operands", 8000)


def test_a_list_in_parentheses_is_told_how_lists_are_written() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        parse_condition("{{input.x}} in ('a', 'b')")

    assert (caught.value.message, caught.value.offset) == ("expected ')' to close the parenthesis", 19)
    assert caught.value.suggestion == "a list is written with [ ]"
