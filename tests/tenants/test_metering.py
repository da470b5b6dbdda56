from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.tenants.metering import Meter, Quantities, quantity, total

if TYPE_CHECKING:
    from random import Random

QUANTITIES = st.dictionaries(
    st.sampled_from(list(Meter)),
    st.decimals(min_value=0, max_value=10**15, allow_nan=False, places=6),
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (3, "3"),
        (2**62, str(2**62)),
        (0.25, "0.250000"),
        (1e-9, "0.000000"),
        (0.1 + 0.2, "0.300000"),
    ],
)
def test_counts_are_kept_and_seconds_are_read_to_the_microsecond(value: float, expected: str) -> None:
    assert quantity(value) == Decimal(expected)


@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), float("inf")])
def test_what_cannot_be_used_up_is_no_quantity(value: float) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(value)


@given(st.lists(QUANTITIES), st.randoms())
def test_a_sum_does_not_depend_on_the_order(parts: list[Quantities], random: Random) -> None:
    shuffled = random.sample(parts, len(parts))
    assert total(shuffled) == total(parts)


@given(st.lists(QUANTITIES))
def test_a_sum_is_exact_for_every_meter(parts: list[Quantities]) -> None:
    sums = total(parts)
    for meter in Meter:
        micros = sum(int(part.get(meter, Decimal(0)) * 10**6) for part in parts)
        assert int(sums.get(meter, Decimal(0)) * 10**6) == micros


def test_nothing_sums_to_nothing() -> None:
    assert total([]) == {}
