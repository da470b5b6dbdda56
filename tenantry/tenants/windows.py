"""Sliding windows: how many requests count against a limit over time, from two numbers and not a log.

The sliding window counter of the `limits` library: the current window's requests, plus those of the previous
one weighted by how much of it the sliding window still covers, rounded down. A window therefore never holds
more than its limit, and over a sliding one the estimate never exceeds it.
"""

from __future__ import annotations

from typing import Final

import msgspec


class WindowCount(msgspec.Struct, frozen=True):
    """Requests in the window number `index` (counted from the epoch) and in the one before it."""

    index: int
    current: int
    previous: int


EMPTY: Final = WindowCount(index=0, current=0, previous=0)


def roll(count: WindowCount, window_seconds: float, now: float) -> WindowCount:
    """The count as it stands at `now`: windows that have passed are shifted out.

    A clock that steps back over one boundary keeps the count; an index from anywhere else (a longer step, or
    a window whose length was changed) means nothing any more and starts from zero.
    """
    index = int(now // window_seconds)
    passed = index - count.index
    if passed in {0, -1}:
        return count
    return WindowCount(index=index, current=0, previous=count.current if passed == 1 else 0)


def used(count: WindowCount, window_seconds: float, now: float) -> int:
    """The requests that count at `now`; `count` has been rolled to it."""
    if not count.previous:
        return count.current
    left = min(window_seconds, (count.index + 1) * window_seconds - now)
    return count.current + int(count.previous * left // window_seconds)


def add(count: WindowCount) -> WindowCount:
    """The count with one more request."""
    return WindowCount(count.index, count.current + 1, count.previous)


def seconds_until_below(count: WindowCount, target: int, window_seconds: float, now: float) -> float:
    """How long until fewer than `target` requests count, if none come: just after this many seconds.

    `target` is at least 1 and at most what is used now.
    """
    left = (count.index + 1) * window_seconds - now
    if count.current < target:
        return max(0.0, left - (target - count.current) * window_seconds / count.previous)
    return max(0.0, left + window_seconds * (1 - target / count.current))
