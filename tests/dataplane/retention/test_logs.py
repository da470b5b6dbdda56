"""What goes by the retention of logs, or with executions: callbacks, dead letters, cleanups themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.cleaning import nonzero

if TYPE_CHECKING:
    import asyncpg

    from tests.support.cleaning import House
    from tests.support.kept import Clock, Shelf


async def callbacks(database: asyncpg.Connection) -> dict[str, bool]:
    """Whether each is shown, by execution."""
    rows = await database.fetch("SELECT execution_id::text, deleted_at FROM callbacks")
    return {row["execution_id"]: row["deleted_at"] is None for row in rows}


async def letters(database: asyncpg.Connection) -> set[str]:
    return {row["id"] for row in await database.fetch("SELECT id::text FROM dead_letters")}


async def test_a_callback_is_hidden_with_the_logs_and_removed_a_day_later(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    old, young = await shelf.put(days=8), await shelf.put(days=8)
    await shelf.call_back(old, days=7)
    await shelf.call_back(young, days=6.9)
    assert await house.counted() == {"apiLogs": {"softDeleted": 1}}
    assert await callbacks(database) == {old: False, young: True}
    clock.move(days=1)
    assert await house.counted() == {"apiLogs": {"softDeleted": 1, "removed": 1}}
    assert await callbacks(database) == {young: False}


async def test_a_callback_comes_back_when_logs_are_to_be_kept_longer(
    house: House, shelf: Shelf, database: asyncpg.Connection
) -> None:
    execution = await shelf.put(days=8)
    await shelf.call_back(execution, days=8)
    await house.clean()
    await house.serve(apiLogs="10d")
    assert await house.counted() == {"apiLogs": {"restored": 1}}
    assert await callbacks(database) == {execution: True}


async def test_a_callback_goes_with_its_execution(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    await house.serve(executionHistory="2d")
    execution = await shelf.put(days=2.5)
    await shelf.call_back(execution, days=2)
    assert (await house.counted())["apiLogs"] == {"softDeleted": 1}
    clock.move(days=1)
    await house.clean()
    assert (await shelf.stored(), await callbacks(database)) == (set(), {})


async def test_a_callback_that_is_still_to_be_sent_outlives_its_execution(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    await house.serve(executionHistory="1d", apiLogs="1d")
    execution = await shelf.put(days=2)
    await shelf.call_back(execution, days=None)
    for _ in range(2):
        await house.clean()
        clock.move(days=1)
    assert await shelf.stored() == set()
    assert await callbacks(database) == {execution: True}
    await database.execute(
        "UPDATE callbacks SET status = 'failed', ended_at = to_timestamp($1::float8)", clock()
    )
    assert await house.counted() == {"apiLogs": {"softDeleted": 1}}


async def test_dead_letters_go_with_their_executions_unless_they_are_open(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    execution = await shelf.put(days=31)
    open_letter = await shelf.bury(execution, status="open")
    for status in ("retried", "archived", "discarded"):
        await shelf.bury(execution, status=status)
    kept = await shelf.bury(await shelf.put(days=3), status="discarded")
    await house.clean()
    assert len(await letters(database)) == 5
    clock.move(days=1)
    assert (await house.counted())["deadLetters"] == {"removed": 3}
    assert await letters(database) == {open_letter, kept}
    await database.execute("UPDATE dead_letters SET status = 'discarded'")
    assert await house.counted() == {"deadLetters": {"removed": 1}}
    assert await letters(database) == {kept}


async def test_cleanups_are_forgotten_with_the_logs_but_for_the_last_the_schedule_began(
    house: House, clock: Clock, database: asyncpg.Connection
) -> None:
    await house.serve(cleanupSchedule="0 2 * * 1", apiLogs="20d")
    for _ in range(2):
        await house.cleanups.run_due()
        clock.move(seconds=1)
        await house.clean()
        clock.move(days=7)
    clock.move(days=30)

    async def shown() -> list[tuple[str, bool]]:
        rows = await database.fetch(
            "SELECT actor, deleted_at IS NULL AS shown FROM cleanup_log WHERE tenant = 'acme' ORDER BY id"
        )
        return [(row["actor"], row["shown"]) for row in rows]

    schedule, key = "system/schedule", "key"
    assert await shown() == [(schedule, True), (key, True)] * 2
    assert await house.counted() == {"apiLogs": {"softDeleted": 2}}
    assert await shown() == [(schedule, False), (key, False), (schedule, True), (key, True), (key, True)]
    clock.move(days=1)
    assert await house.counted() == {"apiLogs": {"removed": 2}}
    assert await shown() == [(schedule, True), (key, True), (key, True), (key, True)]


async def test_a_cleanup_is_logged_with_what_it_did(
    house: House, shelf: Shelf, clock: Clock, database: asyncpg.Connection
) -> None:
    await shelf.put(days=20)
    await house.clean(dry_run=True)
    clock.move(seconds=1)
    await house.clean()
    dry, done = await database.fetch("SELECT * FROM cleanup_log ORDER BY id")
    assert [(row["tenant"], row["actor"], row["dry_run"], row["error"]) for row in (dry, done)] == [
        ("acme", "key", True, None),
        ("acme", "key", False, None),
    ]
    assert done["started_at"].timestamp() == done["ended_at"].timestamp() == clock()
    assert dry["counts"] == done["counts"]


def test_nothing_done_is_counted_as_nothing() -> None:
    counts: dict[str, Any] = {"executionHistory": {"removed": 0}, "droppedDays": {}}
    assert nonzero(counts) == {}
