"""Meters: what is counted of every execution. Quantities are exact decimals, so sums never drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias


class Meter(StrEnum):
    """A thing that is counted. Its value is its name in usage events, rate cards and reports."""

    INVOCATIONS = "invocations"
    TASK_ATTEMPTS = "task_attempts"
    EXECUTION_SECONDS = "execution_seconds"
    TASK_SECONDS = "task_seconds"
    EGRESS_BYTES = "egress_bytes"
    JOURNAL_BYTES = "journal_bytes"


Quantities: TypeAlias = Mapping[Meter, Decimal]
"""How much of each meter; a meter that is missing counts as zero."""

EXACT: Final = Context(prec=80)
"""Wide enough that no sum or product of quantities and prices is ever rounded."""


def quantity(value: float) -> Decimal:
    """A measured value as a decimal: counts and bytes as they are, seconds to the microsecond.

    Raises:
        ValueError: negative, infinite or not a number.
    """
    if not 0 <= value < float("inf"):
        raise ValueError(f"not a quantity: {value}")
    return Decimal(value) if isinstance(value, int) else Decimal(f"{value:.6f}")


def total(parts: Iterable[Quantities]) -> Quantities:
    """The sum, meter by meter."""
    sums: dict[Meter, Decimal] = {}
    for part in parts:
        for meter, amount in part.items():
            sums[meter] = EXACT.add(sums.get(meter, Decimal(0)), amount)
    return MappingProxyType(sums)
