"""The shop's changing half: what was sold, paid, held and started since the start, up to a bound."""

from __future__ import annotations

from itertools import count
from typing import Final

from tenantry.testapi.bounded import BoundedMap
from tenantry.testapi.effects import Effects
from tenantry.testapi.faults import StrikeCounter
from tenantry.testapi.seed import ORDERS, Record

CAPACITY: Final = 20_000


class Shop:
    """One running test API's state; two of them in one process share nothing."""

    def __init__(self) -> None:
        self.effects = Effects()
        self.strikes = StrikeCounter()
        self.payments: BoundedMap[Record] = BoundedMap(CAPACITY)
        self.placed_orders: BoundedMap[Record] = BoundedMap(CAPACITY)
        self.reservations: BoundedMap[Record] = BoundedMap(CAPACITY)
        self.bookings: BoundedMap[Record] = BoundedMap(CAPACITY)
        self.jobs: BoundedMap[Record] = BoundedMap(CAPACITY)
        self._numbers = count(1)

    def number(self) -> int:
        """The next number of a new record, from 1."""
        return next(self._numbers)

    def order(self, order_id: int) -> Record | None:
        """A seeded or placed order."""
        return ORDERS.get(order_id) or self.placed_orders.get(str(order_id))
