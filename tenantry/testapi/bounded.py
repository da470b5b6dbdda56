"""A map that forgets its oldest entries: the test API runs for days and must not grow."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = TypeVar("Value")


class BoundedMap(Generic[Value]):
    """Keeps the `capacity` entries that were written last."""

    def __init__(self, capacity: int) -> None:
        self._entries: OrderedDict[str, Value] = OrderedDict()
        self._capacity = capacity

    def get(self, key: str) -> Value | None:
        """The entry, or `None` when it was never written or is forgotten."""
        return self._entries.get(key)

    def put(self, key: str, value: Value) -> None:
        """Writes an entry and makes it the youngest."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def values(self) -> Iterator[Value]:
        """Every entry, oldest first."""
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)
