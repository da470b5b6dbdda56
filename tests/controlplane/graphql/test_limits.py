"""Bounds of a GraphQL document, checked before anything else looks at it."""

from __future__ import annotations

import pytest
from graphql import GraphQLError, get_introspection_query

from tenantry.controlplane.graphql.limits import (
    MAX_ALIASES,
    MAX_COMMENTS,
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_LENGTH,
    MAX_TOKENS,
    check_document,
)


def nested(levels: int) -> str:
    return "{ a " * levels + "}" * levels


def fragments(count: int, body: str) -> str:
    """Fragments that each spread the next one twice: 2 to the power of `count` fields when written out."""
    chain = "".join(
        f"fragment f{number} on Query {{ {body.format(next=number + 1)} }} " for number in range(count)
    )
    return f"{{ ...f0 }} {chain} fragment f{count} on Query {{ a }}"


@pytest.mark.parametrize(
    "query",
    [
        nested(MAX_DEPTH),
        "{" + "a " * MAX_FIELDS + "}",
        "{" + "".join(f"a{number}: a " for number in range(MAX_ALIASES)) + "}",
        "#\n" * MAX_COMMENTS + "{ a }",
        get_introspection_query(),
        "{ ...f } fragment f on Query { a { ... on Query { b } } }",
        '{ a(text: "' + "x" * 60_000 + '") }',
        "{ ...missing }",
    ],
)
def test_a_document_within_the_bounds_passes(query: str) -> None:
    check_document(query)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (nested(MAX_DEPTH + 1), "levels deep"),
        ("{" + "a " * (MAX_FIELDS + 1) + "}", "fields"),
        ("{" + "".join(f"a{number}: a " for number in range(MAX_ALIASES + 1)) + "}", "aliases"),
        ("{" + "a " * MAX_TOKENS + "}", "tokens"),
        ("#\n" * (MAX_COMMENTS + 1) + "{ a }", "comments"),
        (fragments(17, "x: a {{ ...f{next} }} y: a {{ ...f{next} }}"), "levels deep"),
        (fragments(12, "...f{next} ... on Query {{ ...f{next} }}"), "fields"),
        ("query one { a } query two " + nested(MAX_DEPTH + 1), "levels deep"),
        ('{ a(text: "\\u0000") }', "U+0000"),
        ("{ a(b: " + "[" * 5_000 + "]" * 5_000 + ") }", "nested too deeply"),
        ('{ a(text: "' + "x" * MAX_LENGTH + '") }', "code points"),
        ("{ a", "Syntax Error"),
    ],
)
def test_a_document_beyond_a_bound_is_refused(query: str, message: str) -> None:
    with pytest.raises(GraphQLError) as caught:
        check_document(query)
    assert message in caught.value.message


def test_a_fragment_that_spreads_itself_is_left_to_validation() -> None:
    check_document("{ ...f } fragment f on Query { a ...f }")
