"""Every schema of the corpus against every other; and, where it is at hand, of the official test suite.

No package carries the official suite; JSON_SCHEMA_TEST_SUITE names a copy, as for other implementations.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tenantry.language.schemas import Fits, Refuted, Unknown, check, compare, compile_validator
from tests.support.comparing import VALUES, Judges
from tests.support.schema_corpus import CORPUS

if TYPE_CHECKING:
    from collections.abc import Sequence

SUITE = Path(os.environ.get("JSON_SCHEMA_TEST_SUITE", "."), "tests", "draft2020-12")


def cross(schemas: Sequence[Any], values: Sequence[Any]) -> dict[type, int]:
    """Compares all pairs, asserts that no answer is wrong, and counts the answers."""
    judges = [compile_validator(schema) for schema in schemas]
    valid = [{index for index, value in enumerate(values) if judge.is_valid(value)} for judge in judges]
    counts = {Fits: 0, Refuted: 0, Unknown: 0}
    for given, given_valid in zip(schemas, valid, strict=True):
        for taken, taken_valid in zip(schemas, valid, strict=True):
            verdict = compare(given, taken)
            counts[type(verdict)] += 1
            if isinstance(verdict, Fits):
                assert given_valid <= taken_valid, (given, taken)
            elif isinstance(verdict, Refuted):
                check_refuted(given, taken, verdict)
    return counts


def check_refuted(given: Any, taken: Any, verdict: Refuted) -> None:
    """Asserts that the reference implementation sees the counterexample as well; ours made it."""
    text = json.dumps([given, taken])
    # It divides in doubles, and uses Python's patterns, which know no Unicode classes.
    if "multipleOf" not in text and "\\p{" not in text:
        assert jsonschema.Draft202012Validator(given).is_valid(verdict.counterexample), (given, taken)
        assert not jsonschema.Draft202012Validator(taken).is_valid(verdict.counterexample), (given, taken)


def test_both_validators_agree_about_the_corpus() -> None:
    for schema in CORPUS:
        judges = Judges(schema)
        for value in VALUES:
            judges.is_valid(value)


def test_no_two_schemas_of_the_corpus_are_compared_wrongly() -> None:
    counts = cross(CORPUS, VALUES)

    assert counts[Unknown] <= len(CORPUS) ** 2 // 200, counts
    assert counts[Fits] > len(CORPUS)
    assert counts[Refuted] > len(CORPUS)


@pytest.mark.skipif(
    not SUITE.is_dir(), reason="JSON_SCHEMA_TEST_SUITE names no copy of the official test suite"
)
def test_no_two_schemas_of_the_official_suite_are_compared_wrongly() -> None:
    cases = [case for file in sorted(SUITE.glob("*.json")) for case in json.loads(file.read_text("utf-8"))]
    schemas = [case["schema"] for case in cases if not check(case["schema"])]
    values = [test["data"] for case in cases for test in case["tests"]]

    counts = cross(schemas, values)

    assert counts[Unknown] <= len(schemas) ** 2 // 1_000, counts
