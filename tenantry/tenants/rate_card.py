"""Rate cards: the price of each meter, and what usage costs. Both planes price with the same card."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tenantry.tenants.metering import EXACT, Meter, Quantities

if TYPE_CHECKING:
    from collections.abc import Mapping

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_PRICE: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,18})?")


class RateCardError(ValueError):
    """A text is not a rate card: an unknown meter, a price that is no plain decimal, no currency."""

    code = "rate_card.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An exact amount in a currency (ISO 4217 code)."""

    amount: Decimal
    currency: str

    def rounded(self, places: int = 10) -> Money:
        """The amount to so many decimal places, half to even. For showing; never before adding up."""
        unit = Decimal(1).scaleb(-places)
        return Money(
            amount=self.amount.quantize(unit, rounding=ROUND_HALF_EVEN, context=EXACT), currency=self.currency
        )

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """Unit prices by meter, in one currency; a meter without a price is free."""

    currency: str
    prices: Mapping[Meter, Decimal]

    def cost(self, used: Quantities) -> Money:
        """What the quantities cost, exactly: the cost of a sum is the sum of the costs."""
        amount = Decimal(0)
        for meter, price in self.prices.items():
            if meter in used:
                amount = EXACT.fma(used[meter], price, amount)
        return Money(amount=amount, currency=self.currency)

    def to_text(self) -> dict[str, str]:
        """The card as it travels in a bundle: decimal strings by meter, and `currency`."""
        return {
            "currency": self.currency,
            **{meter.value: f"{price:f}" for meter, price in self.prices.items()},
        }


def parse_rate_card(text: Mapping[str, str]) -> RateCard:
    """Reads what `to_text` wrote.

    Raises:
        RateCardError: with what is wrong.
    """
    currency = text.get("currency", "")
    if _CURRENCY.fullmatch(currency) is None:
        raise RateCardError(f"not a currency: {currency!r}")
    prices = {_meter(name): _price(name, price) for name, price in text.items() if name != "currency"}
    return RateCard(currency=currency, prices=MappingProxyType(prices))


def _meter(name: str) -> Meter:
    try:
        return Meter(name)
    except ValueError:
        raise RateCardError(f"no meter is called {name!r}; there are {', '.join(Meter)}") from None


def _price(name: str, price: str) -> Decimal:
    if _PRICE.fullmatch(price) is None:
        raise RateCardError(f"the price of {name} is not a plain decimal: {price!r}")
    return Decimal(price)


DEFAULT_RATE_CARD: Final = parse_rate_card(
    {
        "currency": "USD",
        "invocations": "0.000001",
        "task_attempts": "0.0000002",
        "execution_seconds": "0.00001",
        "egress_bytes": "0.00000000009",
        "journal_bytes": "0.00000000025",
    }
)
"""The prices of a platform that declares none: per million invocations 1 USD, per GB egress 0.09 USD."""
