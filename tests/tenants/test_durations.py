from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from tenantry.tenants.durations import Duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("5m", 300),
        ("2h", 7200),
        ("30d", 30 * 86_400),
        ("7y", 7 * 365 * 86_400),
        ("0s", 0),
    ],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "value",
    ["", "5", "5 m", "m", "-5m", "1.5h", "5M", "5m\n", "\u0665m", "9999999999s", 5, 5.0, None, True, ["5m"]],
)
def test_anything_else_is_refused_with_an_example(value: object) -> None:
    with pytest.raises(ValueError, match="such as 30s or 5m"):
        parse_duration(value)


@given(st.integers(0, 10**9 - 1), st.sampled_from(["ms", "s", "m", "h", "d", "y"]))
def test_a_larger_number_of_a_unit_is_never_shorter(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") <= parse_duration(f"{min(number + 1, 10**9 - 1)}{unit}")


def test_a_model_reads_a_duration_field() -> None:
    class Holder(BaseModel):
        wait: Duration

    assert Holder.model_validate({"wait": "5m"}).wait == 300
    with pytest.raises(ValidationError, match="not a duration"):
        Holder.model_validate({"wait": 300})


def test_its_schema_is_a_pattern_over_text() -> None:
    schema = TypeAdapter(Duration).json_schema()
    assert schema["type"] == "string"
    assert schema["pattern"].endswith("(ms|s|m|h|d|y)$")
