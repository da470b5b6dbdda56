"""Patterns taken apart: they mean what they mean to the engine, and what is too much is said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantry.language.schemas import Fits, Refuted, Unknown, compare
from tenantry.language.schemas.subtyping.expressions import EVERY, Expressions, complement, union
from tenantry.language.schemas.subtyping.holding import matches
from tenantry.language.schemas.subtyping.patterns import UnreadableError, read_pattern

ATOMS = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "[ab]",
        "[^a]",
        "[a-c]",
        "\\d",
        "\\w",
        "\\s",
        "\\D",
        "\\W",
        "\\S",
        "\\-",
        "\\x61",
        "\\u0062",
        " ",
    ]
)
PATTERNS = st.recursive(
    ATOMS | st.sampled_from(["^a", "b$", "^", "$", ""]),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("({}|{})".format, inner, inner),
        st.builds("(?:{})".format, inner),
        st.builds(
            "{}{}".format,
            ATOMS,
            st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{1,}", "*?", "+?", "??", "{0}"]),
        ),
        st.builds("(?<n>{})".format, ATOMS),
    ),
    max_leaves=6,
).filter(lambda pattern: pattern.count("?<n>") < 2)
TEXTS = st.text("ab-1 \nZ", max_size=5)


def accepts(pattern: str, text: str) -> bool:
    expressions = Expressions()
    left = read_pattern(pattern, expressions)
    for index, character in enumerate(text):
        left = expressions.after(left, ord(character), at_start=index == 0)
    return expressions.accepts(left, at_start=not text)


@given(PATTERNS, TEXTS)
def test_a_pattern_means_what_it_means_to_the_engine(pattern: str, text: str) -> None:
    assert accepts(pattern, text) is matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("^[\\w-]+$", "aZ_-9"),
        ("^[a\\]]$", "]"),
        ("^[+--]$", ","),
        ("^\\t\\n\\v\\f\\r$", "\t\n\v\f\r"),
        ("^\\^\\$\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\/\\\\$", "^$.*+?()[]{}|/\\"),
        ("^[.-]$", "-"),
        ("^a{2}{2}$", "aaaa"),
        ("^(?P<year>\\d{4})-\\d{2}$", "2020-01"),
        ("^(a|ab)(c|bcd)$", "abcd"),
        ("^(a{0}|b)$", ""),
        ("^(a*){2,3}$", "aaaaa"),
        ("]", "]"),
        ("^\\u00e9$", "é"),
    ],
)
def test_syntax_is_read_as_the_engine_reads_it(pattern: str, texts: str) -> None:
    assert matches(pattern, texts)
    assert accepts(pattern, texts)


@pytest.mark.parametrize(
    "pattern",
    [
        "\\bword",
        "\\p{L}",
        "(?i)a",
        "(?i:a)",
        "[[a]]",
        "[a&&b]",
        "[a--b]",
        "[~~]",
        "(^a)*",
        "a{2000}",
        "a{1,2000}",
        "a{,2}",
        "a{x}",
        "a{",
        "a{3,2}",
        "(a",
        "a)",
        "(?<name",
        "[a",
        "[^]",
        "[]a]",
        "[",
        "[\\d-z]",
        "[a-\\d]",
        "[b-a]",
        "\\x4",
        "\\xzz",
        "\\ud800",
        "\\<",
        "a\\",
        "(" * 60 + ")" * 60,
        "(?P<\u00e9>a)",
    ],
)
def test_syntax_that_is_not_read_is_refused(pattern: str) -> None:
    with pytest.raises(UnreadableError):
        read_pattern(pattern, Expressions())


@settings(max_examples=50)
@given(st.sampled_from(["a", "^a$", "^[ab]*$", "b", "^.{2,3}$", "^a+$"]), PATTERNS, PATTERNS)
def test_patterns_are_compared_soundly(first: str, second: str, third: str) -> None:
    for given_, taken in ((first, second), (second, third), (f"(?:{third})(?:{first})", second)):
        verdict = compare({"pattern": given_}, {"pattern": taken})
        if isinstance(verdict, Refuted):
            assert matches(given_, str(verdict.counterexample))
            assert not matches(taken, str(verdict.counterexample))
        elif isinstance(verdict, Fits):
            for text in ("", "a", "b", "ab", "ba", "aa", "1", "-", "aab", "a b", "\n", "bb", "Zb"):
                assert not matches(given_, text) or matches(taken, text)


@pytest.mark.parametrize(
    ("given_", "taken"),
    [
        ("^[a-z]+$", "^[a-z0-9]*$"),
        ("^\\d{4}-\\d{2}-\\d{2}$", "^[0-9-]{10}$"),
        ("^(red|green)$", "^[a-z]+$"),
        ("^order-\\d+$", "^order-"),
        ("^order-\\d+$", "-"),
        ("abc", "b"),
        ("^a?b?$", "^(|a|b|ab)$"),
        ("^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$", "@"),
        ("^[0-9a-f]{8}-[0-9a-f]{4}$", "^[0-9a-f-]{13}$"),
        ("^(?:a|b)*$", "^[ab]*$"),
        ("\\s", "[\\s\\S]"),
    ],
)
def test_a_pattern_fits_a_wider_one_and_not_the_other_way(given_: str, taken: str) -> None:
    assert compare({"type": "string", "pattern": given_}, {"pattern": taken}) == Fits()
    if given_ not in {"^a?b?$", "^(?:a|b)*$"}:
        assert isinstance(compare({"type": "string", "pattern": taken}, {"pattern": given_}), Refuted)


def test_lengths_and_patterns_count_together() -> None:
    code = {"type": "string", "pattern": "^[A-Z]{3}$"}

    assert compare(code, {"minLength": 3, "maxLength": 3}) == Fits()
    assert compare({"type": "string", "pattern": "^a*$", "minLength": 2}, {"pattern": "^aa"}) == Fits()
    assert compare({"type": "string", "pattern": "^a+$", "maxLength": 1}, {"const": "a"}) == Fits()
    assert compare({"type": "string", "pattern": "^(aa)*$", "minLength": 3, "maxLength": 3}, False) == Fits()
    assert compare({"type": "string", "pattern": "^a{2,3}$"}, {"enum": ["aa", "aaa"]}) == Fits()
    verdict = compare({"type": "string", "pattern": "^a{2,4}$"}, {"enum": ["aa", "aaa"]})
    assert isinstance(verdict, Refuted)
    assert verdict.counterexample == "aaaa"


@pytest.mark.parametrize(
    ("given_", "taken", "reason"),
    [
        ("^\\p{L}{3}9$", "^\\p{Lu}", "pattern"),
        ("^(a|b)*a(a|b){18}$", "^(a|b)*b(a|b){18}c?$", "too large"),
        ("^(a{90}){90}b", "^(b{90}){90}", "too large"),
    ],
)
def test_patterns_that_are_too_much_are_unknown(given_: str, taken: str, reason: str) -> None:
    verdict = compare({"type": "string", "pattern": given_}, {"pattern": taken})

    assert isinstance(verdict, Unknown | Refuted)
    if isinstance(verdict, Unknown):
        assert reason in verdict.reason or "steps" in verdict.reason


def test_sets_of_characters_add_up() -> None:
    letters = ((0x61, 0x7A),)

    assert union(letters, ((0x7B, 0x7C),), ((0x30, 0x39),)) == ((0x30, 0x39), (0x61, 0x7C))
    assert union(letters, complement(letters)) == union(EVERY)
    assert complement(EVERY) == ()
    assert complement(((0x100, 0x10FFFF),)) == ((0, 0xFF),)
