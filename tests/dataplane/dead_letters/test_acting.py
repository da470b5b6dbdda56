"""Retrying, discarding, archiving: once, by one, whatever happens in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tenantry.dataplane.dead_letters import acting
from tenantry.dataplane.dead_letters.acting import BULK_SECONDS
from tenantry.dataplane.dead_letters.decision import Wish
from tenantry.dataplane.dead_letters.letters import LetterStatus
from tenantry.dataplane.dead_letters.port import Refusal, RefusedRetryError
from tenantry.dataplane.dead_letters.store import CLAIM
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.limits.port import OverLimitError
from tenantry.tenants.identity import TenantId
from tests.support.dead_letters import Retried, end_execution
from tests.support.eventually import eventually
from tests.support.executions import NOON

if TYPE_CHECKING:
    from tests.dataplane.dead_letters.conftest import Desk

ACME = TenantId("acme")
NOBODYS = "019ca945-0a00-7316-9d6e-83367b976cd1"
AWAY = JournalUnavailableError("away")


async def refusal(act: Any) -> Refusal:
    with pytest.raises(RefusedRetryError) as refused:
        await act
    return refused.value.code


async def test_a_failed_execution_goes_on_and_takes_all_its_open_letters_along(desk: Desk) -> None:
    execution = await end_execution(desk.pool)
    first, second, archived, discarded = [
        await desk.write(execution_id=execution, task=f"task-{number}", status=status)
        for number, status in enumerate(("open", "open", "archived", "discarded"))
    ]
    elsewhere = await desk.write()
    letter = await desk.retry(first)
    assert desk.retries.asked == [Retried("acme", execution, "key", {})]
    assert (letter.status, letter.changed_by, letter.retried_as) == (LetterStatus.RETRIED, "key", None)
    assert letter.changed_at == await desk.clock.now()
    assert letter.execution_status == "running"
    assert (await desk.find(second)).status is LetterStatus.RETRIED
    untouched = [(await desk.find(one)).status for one in (archived, discarded, elsewhere)]
    assert untouched == ["archived", "discarded", "open"]


async def test_a_cancelled_execution_is_retried_as_well(desk: Desk) -> None:
    execution = await end_execution(desk.pool, status="cancelled")
    await desk.retry(await desk.write(execution_id=execution))
    assert desk.retries.asked == [Retried("acme", execution, "key", {})]


async def test_what_failed_where_the_execution_completed_is_done_again_in_another(desk: Desk) -> None:
    execution = await end_execution(desk.pool, status="completed")
    both = [await desk.write(execution_id=execution, task=f"lines[{number}]") for number in range(2)]
    letter = await desk.retry(both[1], value={"amount": 2})
    (fork,) = desk.retries.asked
    assert fork == Retried(
        "acme", execution, "key", {"lines[1]": {"amount": 2}}, ("lines[1]", "lines[0]"), fork.new_id
    )
    assert letter.retried_as == fork.new_id
    assert (await desk.find(both[0])).retried_as == fork.new_id


async def test_the_task_is_given_another_input_and_null_is_one(desk: Desk) -> None:
    values: list[Any] = [{"card": "tok_new"}, None, []]
    for value in values:
        await desk.retry(await desk.write(task="charge"), value=value)
    assert [one.inputs for one in desk.retries.asked] == [
        {"charge": {"card": "tok_new"}},
        {"charge": None},
        {"charge": []},
    ]


async def test_an_archived_letter_can_be_retried(desk: Desk) -> None:
    letter_id = await desk.write()
    assert (await desk.acts.archive(ACME, letter_id, "key")).status is LetterStatus.ARCHIVED
    assert (await desk.retry(letter_id)).status is LetterStatus.RETRIED


@pytest.mark.parametrize("status", ["failed", "completed"])
async def test_a_letter_that_was_retried_stays_so_and_nothing_happens_again(desk: Desk, status: str) -> None:
    letter_id = await desk.write(execution_id=await end_execution(desk.pool, status=status))
    once = await desk.retry(letter_id)
    assert await desk.retry(letter_id, actor="another") == once
    assert len(desk.retries.asked) == 1
    assert await refusal(desk.retry(letter_id, value={})) is Refusal.NOT_OPEN


@pytest.mark.parametrize("act", ["discard", "archive"])
async def test_a_letter_settled_twice_keeps_who_did_it_first(desk: Desk, act: str) -> None:
    letter_id = await desk.write()
    once = await getattr(desk.acts, act)(ACME, letter_id, "key")
    assert (once.changed_by, once.changed_at) == ("key", await desk.clock.now())
    await desk.clock.move(60)
    assert await getattr(desk.acts, act)(ACME, letter_id, "another") == once


@pytest.mark.parametrize(
    ("status", "act"),
    [
        ("retried", "discard"), ("retried", "archive"), ("discarded", "archive"), ("archived", "discard"),
        ("discarded", "retry"),
    ],
)  # fmt: skip
async def test_what_is_final_stays(desk: Desk, status: str, act: str) -> None:
    letter_id = await desk.write(status=status)
    doing = desk.retry(letter_id) if act == "retry" else getattr(desk.acts, act)(ACME, letter_id, "key")
    assert await refusal(doing) is Refusal.NOT_OPEN
    assert (await desk.find(letter_id)).status == status
    assert desk.retries.asked == []


async def test_a_letter_of_another_tenant_is_as_one_that_does_not_exist(desk: Desk) -> None:
    theirs = await desk.write(tenant="globex")
    for letter_id in (theirs, NOBODYS):
        assert await refusal(desk.retry(letter_id)) is Refusal.NOT_FOUND
        assert await refusal(desk.acts.discard(ACME, letter_id, "key")) is Refusal.NOT_FOUND
        assert await refusal(desk.acts.archive(ACME, letter_id, "key")) is Refusal.NOT_FOUND
    assert (await desk.find(theirs, "globex")).status is LetterStatus.OPEN


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        ({"status": "running"}, Refusal.EXECUTION_NOT_ENDED),
        ({"status": "compensating"}, Refusal.EXECUTION_NOT_ENDED),
        ({"trace_deleted": True}, Refusal.TRACE_GONE),
        ({"deleted": True}, Refusal.EXECUTION_GONE),
    ],
)
async def test_an_execution_that_cannot_be_retried_leaves_its_letter_open(
    desk: Desk, standing: dict[str, Any], code: Refusal
) -> None:
    letter_id = await desk.write(execution_id=await end_execution(desk.pool, **standing))
    assert await refusal(desk.retry(letter_id)) is code
    assert (await desk.find(letter_id)).status is LetterStatus.OPEN


async def test_the_letter_of_an_execution_that_is_no_more_can_still_be_discarded(desk: Desk) -> None:
    letter_id = await desk.write(execution_id=NOBODYS)
    assert await refusal(desk.retry(letter_id)) is Refusal.EXECUTION_GONE
    assert (await desk.acts.discard(ACME, letter_id, "key")).status is LetterStatus.DISCARDED


async def test_an_unknown_outcome_is_repeated_only_by_somebody_who_says_that_they_know(desk: Desk) -> None:
    execution = await end_execution(desk.pool)
    unknown = await desk.write(execution_id=execution, task="pay", reason="outcome-unknown")
    beside_it = await desk.write(execution_id=execution)
    for letter_id in (unknown, beside_it):
        assert await refusal(desk.retry(letter_id)) is Refusal.OUTCOME_UNKNOWN
    assert desk.retries.asked == []
    assert (await desk.retry(beside_it, acknowledged=True)).status is LetterStatus.RETRIED


async def test_what_was_retried_before_is_no_longer_unknown(desk: Desk) -> None:
    execution = await end_execution(desk.pool)
    await desk.write(execution_id=execution, reason="outcome-unknown", status="retried")
    await desk.retry(await desk.write(execution_id=execution))
    assert len(desk.retries.asked) == 1


@pytest.mark.parametrize("status", ["failed", "completed"])
@pytest.mark.parametrize(
    "error", [RefusedRetryError(Refusal.TASK_UNKNOWN, "no"), OverLimitError(("concurrent-workflows",))]
)
async def test_a_retry_that_is_refused_leaves_everything_as_it_was(
    desk: Desk, error: Exception, status: str
) -> None:
    execution = await end_execution(desk.pool, status=status)
    before = [
        await desk.find(await desk.write(execution_id=execution, status=status))
        for status in ("archived", "open")
    ]
    desk.retries.refusal = error
    with pytest.raises(type(error)) as raised:
        await desk.retry(before[0].id)
    assert raised.value is error
    assert [await desk.find(letter.id) for letter in before] == before
    desk.retries.refusal = None
    assert (await desk.retry(before[0].id)).status is LetterStatus.RETRIED  # nobody holds it any more


@pytest.mark.parametrize("status", ["failed", "completed"])
async def test_of_many_who_retry_one_letter_exactly_one_acts(desk: Desk, status: str) -> None:
    letter_id = await desk.write(execution_id=await end_execution(desk.pool, status=status))
    desk.retries.gate.clear()
    everybody = [asyncio.create_task(desk.retry(letter_id, actor=f"key-{number}")) for number in range(8)]
    await desk.retries.waiting.acquire()
    waiting = [task for task in everybody if not task.done()]
    while len(waiting) > 1:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        waiting = [task for task in everybody if not task.done()]
    desk.retries.gate.set()
    ends = await asyncio.gather(*everybody, return_exceptions=True)
    (letter,) = [end for end in ends if not isinstance(end, BaseException)]
    (asked,) = desk.retries.asked
    assert (letter.status, letter.changed_by) == (LetterStatus.RETRIED, asked.actor)
    codes = {end.code for end in ends if isinstance(end, RefusedRetryError)}
    assert codes == {Refusal.BUSY}


@pytest.mark.parametrize("statuses", [("open", "open"), ("archived", "archived"), ("archived", "open")])
async def test_two_letters_of_one_execution_are_not_both_retried(
    desk: Desk, statuses: tuple[str, str]
) -> None:
    execution = await end_execution(desk.pool, status="completed")
    first, second = [await desk.write(execution_id=execution, status=status) for status in statuses]
    desk.retries.gate.clear()
    acting = asyncio.create_task(desk.retry(first))
    await desk.retries.waiting.acquire()
    assert await refusal(desk.retry(second)) is Refusal.BUSY
    assert await refusal(desk.acts.discard(ACME, first, "key")) in (Refusal.BUSY, Refusal.NOT_OPEN)
    desk.retries.gate.set()
    assert (await acting).status is LetterStatus.RETRIED
    assert len(desk.retries.asked) == 1


@pytest.mark.parametrize("refused", [False, True])
async def test_whoever_writes_down_what_became_of_letters_waits_without_holding_later_ones(
    desk: Desk, *, refused: bool
) -> None:
    """Two who wait for rows that the other holds would wait for ever: everybody takes them in one order."""
    execution = await end_execution(desk.pool)
    late, early = [await desk.write(execution_id=execution, at=NOON + at) for at in (1, 0)]
    desk.retries.gate.clear()
    acting = asyncio.create_task(desk.retry(late))
    await desk.retries.waiting.acquire()
    if refused:
        desk.retries.refusal = OverLimitError(())
    lock = "SELECT FROM dead_letters WHERE tenant = 'acme' AND id = $1::uuid FOR UPDATE NOWAIT"
    async with desk.pool.acquire() as somebody, somebody.transaction():
        await somebody.execute(lock, early)
        desk.retries.gate.set()
        await eventually(lambda: is_waited_for(somebody))
        await somebody.execute(lock, late)
    await asyncio.gather(acting, return_exceptions=True)
    assert (await desk.find(early)).status == ("open" if refused else "retried")


async def is_waited_for(connection: asyncpg.Connection) -> bool:
    waiting = await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(waiting)


async def test_a_letter_being_retried_cannot_be_discarded(desk: Desk) -> None:
    letter_id = await desk.write()
    desk.retries.gate.clear()
    acting = asyncio.create_task(desk.retry(letter_id))
    await desk.retries.waiting.acquire()
    assert await refusal(desk.acts.discard(ACME, letter_id, "key")) is Refusal.BUSY
    desk.retries.gate.set()
    assert (await acting).status is LetterStatus.RETRIED


async def die(desk: Desk, letter_id: str, **when: Any) -> None:
    """Somebody retries the letter, and is no more before they can say what became of it."""
    desk.retries = replace(desk.retries, asked=desk.retries.asked, **when)
    desk.acts = acting.LetterActs(desk.store, desk.retries, lambda: desk.now)
    with pytest.raises(JournalUnavailableError):
        await desk.retry(letter_id)
    desk.retries.refusal = desk.retries.dies = None


async def test_a_letter_held_by_somebody_who_died_is_free_again(desk: Desk) -> None:
    letter_id = await desk.write()
    await die(desk, letter_id, refusal=AWAY)
    assert await refusal(desk.retry(letter_id)) is Refusal.BUSY
    await desk.clock.move(CLAIM.total_seconds() - 1)
    assert await refusal(desk.retry(letter_id)) is Refusal.BUSY
    await desk.clock.move(1)
    assert (await desk.retry(letter_id)).status is LetterStatus.RETRIED
    assert len(desk.retries.asked) == 1


async def test_a_fork_that_nobody_wrote_down_is_found_and_not_made_again(desk: Desk) -> None:
    execution = await end_execution(desk.pool, status="completed")
    both = [await desk.write(execution_id=execution) for _ in range(2)]
    await die(desk, both[0], dies=AWAY)
    assert (await desk.find(both[0])).status is LetterStatus.OPEN
    await desk.clock.move(CLAIM.total_seconds())
    assert await refusal(desk.retry(both[0], value={})) is Refusal.NOT_OPEN
    letter = await desk.retry(both[0], actor="another")
    (fork,) = desk.retries.asked
    assert (letter.status, letter.retried_as) == (LetterStatus.RETRIED, fork.new_id)
    assert (await desk.find(both[1])).retried_as == fork.new_id


async def test_a_retry_that_does_not_begin_in_time_is_given_up_and_its_letter_held(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter_id = await desk.write()
    monkeypatch.setattr(acting, "ACT_SECONDS", 0.0)
    desk.retries.gate.clear()
    with pytest.raises(JournalUnavailableError, match="did not begin in time"):
        await desk.retry(letter_id)
    assert await refusal(desk.retry(letter_id)) is Refusal.BUSY


def test_a_retry_is_given_up_long_before_somebody_else_may_begin_one() -> None:
    assert CLAIM.total_seconds() >= 2 * acting.ACT_SECONDS


async def many(desk: Desk, ids: list[str], **wish: Any) -> acting.BulkOutcome:
    return await desk.acts.retry_many(desk.tenants["acme"], ids, Wish(**{"actor": "key", **wish}))


async def test_many_are_retried_in_order_and_each_is_told_of(desk: Desk) -> None:
    good = [await desk.write() for _ in range(2)]
    ids = [
        good[0],
        NOBODYS,
        await desk.write(status="discarded"),
        await desk.write(reason="outcome-unknown"),
        good[1],
    ]
    outcome = await many(desk, ids)
    assert [one.id for one in outcome.told] == ids
    codes = [one.refusal and one.refusal.code for one in outcome.told]
    assert codes == [None, Refusal.NOT_FOUND, Refusal.NOT_OPEN, Refusal.OUTCOME_UNKNOWN, None]
    assert [one.letter and one.letter.status for one in outcome.told] == [
        "retried",
        None,
        None,
        None,
        "retried",
    ]
    assert (outcome.remaining, outcome.stopped_by) == ((), None)
    acknowledged = await many(desk, ids, acknowledged=True)
    assert [one.letter is not None for one in acknowledged.told] == [True, False, False, True, True]
    assert len(desk.retries.asked) == 3


async def test_letters_of_one_execution_are_retried_with_one_retry(desk: Desk) -> None:
    execution = await end_execution(desk.pool)
    ids = [await desk.write(execution_id=execution) for _ in range(5)]
    outcome = await many(desk, ids)
    assert all(one.letter and one.letter.status is LetterStatus.RETRIED for one in outcome.told)
    assert len(desk.retries.asked) == 1


@pytest.mark.parametrize("error", [OverLimitError(("workflows-per-hour",)), AWAY])
async def test_a_limit_and_a_database_that_is_away_stop_it(desk: Desk, error: Exception) -> None:
    ids = [await desk.write() for _ in range(3)]
    await desk.retry(ids[0])
    desk.retries.refusal = error
    outcome = await many(desk, ids)
    assert [one.id for one in outcome.told] == ids[:1]
    assert (outcome.remaining, outcome.stopped_by) == (tuple(ids[1:]), error)


async def test_when_its_time_is_over_the_rest_remains(desk: Desk) -> None:
    ids = [await desk.write() for _ in range(3)]
    instants = iter([NOON, NOON, NOON + BULK_SECONDS - 0.1, NOON, NOON + BULK_SECONDS])
    desk.acts = acting.LetterActs(desk.store, desk.retries, lambda: next(instants))
    outcome = await many(desk, ids)
    assert ([one.id for one in outcome.told], outcome.remaining) == (ids[:2], tuple(ids[2:]))
    assert outcome.stopped_by is None


async def test_a_database_that_goes_away_in_the_midst_is_said_to_have(desk: Desk) -> None:
    letter_id = await desk.write()
    async with asyncpg.create_pool(min_size=0, host="127.0.0.1", port=1, timeout=5) as nowhere:
        desk.store._pool = nowhere
        for doing in (desk.retry(letter_id), desk.acts.discard(ACME, letter_id, "key")):
            with pytest.raises(JournalUnavailableError):
                await doing
    assert desk.retries.asked == []
