"""Cron schedules in UTC: whether a text is one, when it ticked last, when it ticks next.

Five fields, as Debian's cron reads them. The specs of tenants are checked with it; whoever acts on a schedule
asks it what is due.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from cronsim import CronSim, CronSimError

from tenantry.tenants.identity import Instant

_ANY_INSTANT: Final = datetime(2000, 1, 1, tzinfo=UTC)


def check_schedule(text: str) -> str:
    """Gives the text back if it is a schedule that ever ticks.

    Raises:
        ValueError: it is not.
    """
    try:
        next(CronSim(text, _ANY_INSTANT))
    except CronSimError as error:
        raise ValueError(f"not a cron schedule: {str(error).lower()}") from None
    except StopIteration:
        raise ValueError("not a cron schedule: there is no such day") from None
    return text


def last_tick(schedule: str, now: Instant) -> Instant:
    """The latest tick of a schedule up to and including `now`."""
    # Going backwards starts before the instant it is given: one second later, so that `now` itself counts.
    return Instant(next(CronSim(schedule, _whole_second(now + 1), reverse=True)).timestamp())


def next_tick(schedule: str, now: Instant) -> Instant:
    """The earliest tick of a schedule after `now`."""
    return Instant(next(CronSim(schedule, _whole_second(now))).timestamp())


def _whole_second(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
