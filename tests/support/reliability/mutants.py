"""Faults put into the product, each of which the simulation must find.

A checker that cannot find anything proves nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tenantry.dataplane.engine.core.state import ENDED, ExecutionStatus
from tenantry.dataplane.engine.driver import Run
from tenantry.dataplane.engine.ports import ExecutionLostError, JournalUnavailableError
from tenantry.dataplane.executions.executor import Executor
from tenantry.dataplane.executions.lease import Lease
from tenantry.dataplane.journal import rows
from tenantry.dataplane.journal.writer import JournalWriter
from tenantry.language.plan.compile import compile_task
from tests.support.reliability.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.engine.record import ExecutionRecord


async def _nothing(*_arguments: Any) -> None:
    await asyncio.sleep(0)


def unfenced() -> AbstractContextManager[Any]:
    """The store asks nobody's epoch."""
    return patch.object(Database, "_is_ours", lambda *_: True)


def calls_before_they_are_durable() -> AbstractContextManager[Any]:
    """Calls that may not be repeated begin without being journaled."""
    return patch.object(Run, "_become_durable", _nothing)


def answers_before_they_are_durable() -> AbstractContextManager[Any]:
    """Nobody waits for a commit."""
    return patch.object(JournalWriter, "durable", _nothing)


@contextmanager
def unsafe_calls_repeated() -> Iterator[None]:
    """What may have taken effect is made again by whoever takes an execution over."""

    def repeatable(*arguments: Any, **options: Any) -> Any:
        task = compile_task(*arguments, **options)
        object.__setattr__(task, "repeatable", True)
        return task

    with patch("tenantry.dataplane.bundles.plans.compile_task", repeatable):
        yield


def keys_not_taken() -> AbstractContextManager[Any]:
    """A commit does not find the key of another execution taken."""
    return patch.object(Database, "_take_key", lambda *_: True)


def nobody_recovers() -> AbstractContextManager[Any]:
    """What a crashed executor ran is left to itself."""
    return patch.object(Lease, "look_around", _nothing)


@contextmanager
def two_runs_of_one_execution() -> Iterator[None]:
    """Found by the simulation: an execution taken from a process by that very process ran there twice."""

    async def durable(journal: JournalWriter, record: ExecutionRecord) -> None:
        if record.id in journal._dirty:
            journal._awaited[record.id] = None
            journal._wanted.set()
            await journal._wait_in(journal._waiting_next)
        elif record.id in journal._committing:
            await journal._wait_in(journal._waiting)
        elif not journal._available:
            raise JournalUnavailableError("unavailable")
        if record.lost:
            raise ExecutionLostError

    def record(journal: JournalWriter, record: ExecutionRecord) -> None:
        journal._dirty.pop(record.id, None)
        remember(journal, record)

    def track(executor: Executor, tenant: ServedTenant, state: Any, record: ExecutionRecord) -> Run:
        executor._runs.pop((tenant.name, record.id), None)
        return begin(executor, tenant, state, record)

    remember, begin = JournalWriter.record, Executor._track
    with (
        patch.object(JournalWriter, "durable", durable),
        patch.object(JournalWriter, "record", record),
        patch.object(Executor, "_track", track),
    ):
        yield


def lost_runs_keep_their_owner() -> AbstractContextManager[Any]:
    """Found by the simulation: what was declared dead wrote what it had lost under its new name."""

    def owner_of(record: ExecutionRecord, owner: str) -> str | None:
        if record.status in ENDED:
            return None
        if record.released:
            return None if record.status is ExecutionStatus.PAUSED else rows.NOBODY
        return owner

    return patch.object(rows, "_owner", owner_of)


MUTANTS: Final[tuple[Callable[[], AbstractContextManager[Any]], ...]] = (
    unfenced,
    calls_before_they_are_durable,
    answers_before_they_are_durable,
    unsafe_calls_repeated,
    keys_not_taken,
    nobody_recovers,
    two_runs_of_one_execution,
    lost_runs_keep_their_owner,
)
