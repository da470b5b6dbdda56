"""Everything about dead letters, as the gateway uses it; made by the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.dataplane.dead_letters.acting import LetterActs
from tenantry.dataplane.dead_letters.analytics import LetterAnalytics
from tenantry.dataplane.dead_letters.graded import GradedFailures
from tenantry.dataplane.dead_letters.store import LetterStore

if TYPE_CHECKING:
    import asyncpg

    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.dead_letters.port import Retries


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Reading, acting and counting, over one database."""

    store: LetterStore
    acts: LetterActs
    analytics: LetterAnalytics
    graded: GradedFailures


def dead_letters(pool: asyncpg.Pool[asyncpg.Record], retries: Retries, clock: Clock) -> DeadLetters:
    """The parts of a data plane whose executions are retried by `retries`."""
    store = LetterStore(pool)
    return DeadLetters(store, LetterActs(store, retries, clock), LetterAnalytics(pool), GradedFailures(pool))
