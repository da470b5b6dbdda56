from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.tenants.metering import Meter, Quantities, quantity, total
from tenantry.tenants.rate_card import DEFAULT_RATE_CARD, Money, RateCard, RateCardError, parse_rate_card

METERS = st.sampled_from(list(Meter))
PRICES = st.decimals(min_value=0, max_value=10**6, places=18)
CARDS = st.builds(RateCard, currency=st.sampled_from(["USD", "EUR"]), prices=st.dictionaries(METERS, PRICES))
QUANTITIES = st.dictionaries(METERS, st.decimals(min_value=0, max_value=10**15, places=6))


@given(CARDS)
def test_a_card_survives_its_journey_as_text(card: RateCard) -> None:
    assert parse_rate_card(card.to_text()) == card


@given(CARDS, st.lists(QUANTITIES, max_size=5))
def test_the_cost_of_a_sum_is_the_sum_of_the_costs(card: RateCard, parts: list[Quantities]) -> None:
    costs = [card.cost(part).amount for part in parts]
    assert Fraction(card.cost(total(parts)).amount) == sum(map(Fraction, costs))


@given(CARDS, QUANTITIES)
def test_a_cost_is_quantity_times_price_and_nothing_else(card: RateCard, used: Quantities) -> None:
    expected = sum(Fraction(price) * Fraction(used.get(meter, 0)) for meter, price in card.prices.items())
    assert Fraction(card.cost(used).amount) == expected
    assert card.cost(used).currency == card.currency


def test_the_default_card_prices_an_execution() -> None:
    used = {Meter.INVOCATIONS: quantity(1), Meter.EXECUTION_SECONDS: quantity(0.25)}
    cost = DEFAULT_RATE_CARD.cost(used)
    assert cost == Money(amount=Decimal("0.0000035"), currency="USD")
    assert str(cost.rounded()) == "0.0000035000 USD"


def test_showing_rounds_half_to_even() -> None:
    assert Money(amount=Decimal("0.125"), currency="USD").rounded(2).amount == Decimal("0.12")
    assert Money(amount=Decimal("0.135"), currency="USD").rounded(2).amount == Decimal("0.14")


def test_no_money_is_written_with_an_exponent() -> None:
    assert str(Money(amount=Decimal("1E-12"), currency="USD")) == "0.000000000001 USD"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({}, "not a currency"),
        ({"currency": "dollars"}, "not a currency"),
        ({"currency": "USD", "invocation": "1"}, "no meter is called 'invocation'"),
        ({"currency": "USD", "invocations": "-1"}, "not a plain decimal"),
        ({"currency": "USD", "invocations": "1e3"}, "not a plain decimal"),
        ({"currency": "USD", "invocations": "NaN"}, "not a plain decimal"),
        ({"currency": "USD", "invocations": ""}, "not a plain decimal"),
    ],
)
def test_what_is_not_a_card_is_refused(text: dict[str, str], message: str) -> None:
    with pytest.raises(RateCardError, match=message):
        parse_rate_card(text)
