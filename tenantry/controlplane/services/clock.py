"""The clock of the use cases; tests move theirs by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Gives the present, with a time zone."""


def utc_now() -> datetime:
    """The present in UTC."""
    return datetime.now(UTC)
