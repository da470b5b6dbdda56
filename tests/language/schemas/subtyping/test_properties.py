"""Comparing generated schemas of all keywords: no answer is wrong, whatever the schemas are."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, example, given, settings

from tenantry.language.schemas import UNTYPED, Fits, Refuted, Unknown, Verdict, check, compare
from tenantry.language.schemas.subtyping.shortcuts import plainly_fits
from tests.support.comparing import ALL_SCHEMAS, PLAIN_SCHEMAS, Judges, first_difference
from tests.support.json_values import JSON_VALUES

SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def sound(given_: Any, taken: Any) -> Verdict:
    """The verdict, once it is seen to be right by both validators."""
    verdict = compare(given_, taken)
    if isinstance(verdict, Fits):
        assert first_difference(given_, taken) is None
    elif isinstance(verdict, Refuted):
        assert Judges(given_).is_valid(verdict.counterexample)
        assert not Judges(taken).is_valid(verdict.counterexample)
        assert verdict.message
    return verdict


@SLOW
@given(ALL_SCHEMAS, ALL_SCHEMAS)
def test_what_fits_has_no_counterexample_and_every_counterexample_checks_out(one: Any, other: Any) -> None:
    sound(one, other)


@SLOW
@given(PLAIN_SCHEMAS, PLAIN_SCHEMAS, JSON_VALUES)
@example(one={"multipleOf": 1.5}, other=True, value=1.2288730648492162e16)
@example(one={"multipleOf": 1.5}, other={"multipleOf": 0.5}, value=1.2288730648492163e16)
def test_every_value_of_what_fits_is_taken(one: Any, other: Any, value: Any) -> None:
    assume(isinstance(compare(one, other), Fits) and Judges(one).is_valid(value))

    assert Judges(other).is_valid(value)


@SLOW
@given(ALL_SCHEMAS)
def test_a_schema_fits_itself(schema: Any) -> None:
    assert compare(schema, schema) == Fits()


@SLOW
@given(PLAIN_SCHEMAS, PLAIN_SCHEMAS)
def test_a_schema_fits_an_alternative_of_itself_and_a_restriction_fits_it(one: Any, other: Any) -> None:
    assert not isinstance(sound(one, {"anyOf": [one, other]}), Refuted)
    assert not isinstance(sound({"allOf": [one, other]}, one), Refuted)
    assert not isinstance(sound(one, {"anyOf": [other, {"not": other}]}), Refuted)
    assert not isinstance(sound({"allOf": [one, {"not": one}]}, other), Refuted)


@SLOW
@given(PLAIN_SCHEMAS, PLAIN_SCHEMAS, PLAIN_SCHEMAS)
def test_fitting_is_transitive(one: Any, other: Any, third: Any) -> None:
    between = {"anyOf": [one, other]}
    above = {"anyOf": [one, other, third]}

    assert not isinstance(sound(between, above), Refuted)
    if isinstance(compare(above, third), Fits):
        assert isinstance(sound(between, third), Fits | Unknown)


@SLOW
@given(PLAIN_SCHEMAS, PLAIN_SCHEMAS)
def test_what_plainly_fits_has_no_counterexample(one: Any, other: Any) -> None:
    assert plainly_fits(one, one) or not plainly_fits(one, other) or first_difference(one, other) is None
    if plainly_fits(one, other):
        assert first_difference(one, other) is None


@SLOW
@given(ALL_SCHEMAS)
def test_what_is_not_known_fits_everything(schema: Any) -> None:
    part = {"type": "object", "properties": {"a": UNTYPED}, "required": ["a"], "additionalProperties": False}

    assert compare(UNTYPED, schema) == Fits()
    if not check({"properties": {"a": schema}}):
        assert compare(part, {"properties": {"a": schema}}) == Fits()
