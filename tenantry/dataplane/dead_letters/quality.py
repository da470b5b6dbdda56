"""How good the errors are that upstreams give: can whoever meets one tell what happened and what to do? Pure.

Graded are the failures of calls that became dead letters, each from one star to five: one for being an error
at all, and one for every mark.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tenantry.dataplane.dead_letters.analytics import Span

_SAYS_NOTHING: Final = frozenset((HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY))
_ASKS_TO_WAIT: Final = frozenset((HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE))


class Marks(NamedTuple):
    """What an error has to offer; of many, the share of those that do.

    Attributes:
        answered: there was an HTTP answer, not a timeout or a broken connection.
        precise: its status says more than that something broke.
        explained: its body says in JSON what was wrong.
        actionable: where its status asks to wait, it says how long.
    """

    answered: float
    precise: float
    explained: float
    actionable: float


class GradedFailure(NamedTuple):
    """One failure of a call of `task_name`."""

    at: datetime
    workflow: str
    task_name: str
    marks: Marks


@dataclass(frozen=True, slots=True)
class Quality:
    """Of several failures; without any there are no marks and no stars."""

    failures: int
    marks: Marks | None

    @property
    def stars(self) -> float | None:
        """From 1.0 to 5.0."""
        return None if self.marks is None else round(1 + sum(self.marks), 2)


def grade(failure: Mapping[str, Any]) -> Marks:
    """The marks of a failure as it was journaled."""
    status = failure.get("status")
    return Marks(
        answered=float(status is not None),
        precise=float(status is not None and status not in _SAYS_NOTHING),
        explained=float(failure.get("explained", False)),
        actionable=float(
            status is not None and (status not in _ASKS_TO_WAIT or bool(failure.get("retryAfterSeconds")))
        ),
    )


def quality_of(failures: Iterable[GradedFailure]) -> Quality:
    """Of all of them together."""
    marks = [one.marks for one in failures]
    if not marks:
        return Quality(0, None)
    return Quality(
        len(marks), Marks(*(round(sum(column) / len(marks), 4) for column in zip(*marks, strict=True)))
    )


def by_task(failures: Iterable[GradedFailure]) -> dict[str, Quality]:
    """Of each task, the worst first."""
    of: dict[str, list[GradedFailure]] = defaultdict(list)
    for one in failures:
        of[one.task_name].append(one)
    found = {name: quality_of(those) for name, those in of.items()}
    return dict(sorted(found.items(), key=lambda item: (item[1].stars or 0.0, -item[1].failures, item[0])))


def trend(span: Span, failures: Iterable[GradedFailure]) -> list[tuple[datetime, Quality]]:
    """Of every bucket of the span, in order, empty ones as well."""
    of: dict[datetime, list[GradedFailure]] = defaultdict(list)
    for one in failures:
        of[span.bucket.begin(one.at)].append(one)
    return [(begin, quality_of(of[begin])) for begin in span.buckets()]
