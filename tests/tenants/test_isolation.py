from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.tenants.isolation import compile_task_ref_policy

NAMES = st.text("ab-", max_size=6)
PATTERNS = st.lists(st.from_regex(r"!?[ab*?-]{1,5}", fullmatch=True), max_size=5).filter(
    lambda patterns: not patterns or not patterns[0].startswith("!")
)


def test_without_patterns_every_task_is_allowed() -> None:
    assert compile_task_ref_policy([]).allows("anything")


def test_a_name_that_no_pattern_matches_is_refused() -> None:
    assert not compile_task_ref_policy(["http-*"]).allows("grpc-call")


def test_an_excluded_name_is_refused() -> None:
    policy = compile_task_ref_policy(["http-*", "transform-*", "!http-internal-*"])
    assert policy.allows("http-get")
    assert not policy.allows("http-internal-get")


def test_the_last_matching_pattern_wins() -> None:
    policy = compile_task_ref_policy(["*", "!internal-*", "internal-audit"])
    assert policy.allows("internal-audit")
    assert not policy.allows("internal-billing")


def test_a_pattern_covers_the_whole_name_and_its_case() -> None:
    policy = compile_task_ref_policy(["http"])
    assert not policy.allows("http-get")
    assert not policy.allows("HTTP")
    assert not policy.allows("http\n")


@given(PATTERNS, NAMES)
def test_it_agrees_with_reading_the_list_from_the_start(patterns: list[str], name: str) -> None:
    expected = not patterns
    for pattern in patterns:
        if fnmatchcase(name, pattern.removeprefix("!")):
            expected = not pattern.startswith("!")
    assert compile_task_ref_policy(patterns).allows(name) is expected


def test_many_stars_do_not_slow_a_match_down() -> None:
    # Backtracking over sixty stars would not end in the life of this test.
    assert not compile_task_ref_policy(["a*" * 60 + "b"]).allows("a" * 250)


@pytest.mark.parametrize("pattern", ["", "!", "a b", "[a]", "a/b", "!!a", "x" * 254])
def test_a_pattern_that_means_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="not a pattern of task names"):
        compile_task_ref_policy(["*", pattern])


def test_a_list_that_begins_by_excluding_is_refused() -> None:
    with pytest.raises(ValueError, match="begin with '\\*' to include all"):
        compile_task_ref_policy(["!internal-*", "*"])
