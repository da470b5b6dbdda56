"""A shelf: one tenant's results, bounded in number and size, the longest unread forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, TypeAlias

from tenantry.language.values import Json, JsonError, dump_json

Name: TypeAlias = "tuple[str, str | bytes]"
"""A task's digest, and the key: a text, or the hash of a long one."""

# What a number, a short text or a small object takes in memory beside its characters, rounded up.
_BYTES_PER_VALUE: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much a tenant may keep. Bytes are of memory, estimated by `weigh`.

    Attributes:
        value_bytes: a larger result is passed on and not kept.
    """

    entries: int = 1000
    total_bytes: int = 4 * 1024 * 1024
    value_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    output: Json
    memory_bytes: int
    kept_at: float


class Shelf:
    """What one tenant keeps."""

    __slots__ = ("_bounds", "_kept", "_last_stale_at", "_total_bytes")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._kept: OrderedDict[Name, _Kept] = OrderedDict()
        self._total_bytes = 0
        self._last_stale_at = 0.0

    def find(self, name: Name, ttl_seconds: float, now: float) -> _Kept | None:
        """The result of that name, unless it is as old as the reader will not have it."""
        kept = self._kept.get(name)
        if kept is None or now - kept.kept_at >= ttl_seconds:
            return None
        self._kept.move_to_end(name)
        return kept

    def keep(self, name: Name, output: Json, ttl_seconds: float, now: float) -> None:
        """Keeps a result in the place of the last one of its name, if it is not too large."""
        self._drop(name)
        memory_bytes = weigh(output)
        if memory_bytes is None or memory_bytes > min(self._bounds.value_bytes, self._bounds.total_bytes):
            return
        self._kept[name] = _Kept(output, memory_bytes, now)
        self._total_bytes += memory_bytes
        self._last_stale_at = max(self._last_stale_at, now + ttl_seconds)
        while len(self._kept) > self._bounds.entries or self._total_bytes > self._bounds.total_bytes:
            self._drop(next(iter(self._kept)))

    def is_stale(self, now: float) -> bool:
        """Whether everything here has outlived the time it was kept for."""
        return now >= self._last_stale_at

    def _drop(self, name: Name) -> None:
        kept = self._kept.pop(name, None)
        if kept is not None:
            self._total_bytes -= kept.memory_bytes


def weigh(value: Json) -> int | None:
    """The memory a value takes, estimated from its JSON; `None` for a value that has none.

    Counts the marks between values instead of the values: four searches in C. Measured from half of the
    estimate (lists of numbers) to a little over it; only a text with emoji takes more, up to four times.
    """
    try:
        text = dump_json(value)
    except JsonError:
        return None
    values = 1 + sum(text.count(mark) for mark in (b",", b":", b"[", b"{"))
    return len(text) + values * _BYTES_PER_VALUE
