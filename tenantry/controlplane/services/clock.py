"""The clock of the use cases, which tests move by hand, and the instants callers may name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from tenantry.controlplane.services.errors import InvalidInputError

Clock: TypeAlias = Callable[[], datetime]
"""Gives the present, with a time zone."""

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9998


def utc_now() -> datetime:
    """The present in UTC."""
    return datetime.now(UTC)


def check_instant(instant: datetime, field: str) -> datetime:
    """The instant in UTC.

    Raises:
        InvalidInputError: it has no time zone, or lies where databases and calendars end.
    """
    if instant.tzinfo is None:
        raise InvalidInputError("instant.invalid", "an instant needs its time zone", field=field)
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise InvalidInputError("instant.invalid", f"the year {instant.year} is out of range", field=field)
    return instant.astimezone(UTC)
