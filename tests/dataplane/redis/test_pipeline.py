"""One connection for everybody: to each its own answer, whoever gives up; nobody waits for a silent Redis."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ReadOnlyError, ResponseError

from tenantry.dataplane.redis.pipeline import (
    GRACE_SECONDS,
    PATIENCE_SECONDS,
    Pipeline,
    RedisDownError,
    open_pipeline,
)
from tests.support.virtual_time import run_virtually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable

LONGEST_SECONDS = 0.05


class HandFedWire:
    """A connection on which a test sees what is sent and says what comes back."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.answers: asyncio.Queue[Any] = asyncio.Queue()
        self.fault: Exception | None = None

    def pack_command(self, *words: Any) -> list[bytes]:
        return [" ".join(map(str, words)).encode()]

    async def send_packed_command(self, command: Iterable[bytes], *, check_health: bool = True) -> None:
        assert not check_health
        if self.fault is not None:
            raise self.fault
        self.sent += [word.decode() for word in command]

    async def read_response(self, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        assert timeout is not None
        answer = await self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def answer(self, *answers: Any) -> None:
        for answer in answers:
            self.answers.put_nowait(answer)


@asynccontextmanager
async def a_pipeline() -> AsyncIterator[tuple[Pipeline, HandFedWire]]:
    wire = HandFedWire()
    async with open_pipeline(wire) as pipeline:
        yield pipeline, wire


def virtually(test: Coroutine[Any, Any, None]) -> None:
    run_virtually(test)


def elapsed() -> float:
    return asyncio.get_running_loop().time()


async def fails_at(call: asyncio.Future[Any], seconds: float) -> None:
    with pytest.raises(RedisDownError):
        await call
    assert elapsed() == pytest.approx(seconds)


def test_answers_go_to_those_who_asked_in_the_order_they_asked() -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, wire):
            calls = [pipeline.call("GET", number) for number in range(3)]
            wire.answer("zero", "one", "two")
            assert await asyncio.gather(*calls) == ["zero", "one", "two"]
            assert wire.sent == ["GET 0", "GET 1", "GET 2"]

    virtually(play())


@given(
    acts=st.lists(
        st.tuples(st.sampled_from(["call", "cancel", "answer", "turn"]), st.integers(0, 9)), max_size=60
    )
)
def test_whoever_is_cancelled_whenever_nobody_gets_another_s_answer(acts: list[tuple[str, int]]) -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, wire):
            calls: list[tuple[str, asyncio.Future[Any]]] = []
            answered = 0
            abandoned: list[str] = []
            for act, choice in acts:
                if act == "call":
                    tag = f"tenant-{choice} {len(calls)}"
                    calls.append((tag, pipeline.call("GET", tag, if_abandoned=abandoned.append)))
                elif act == "cancel" and calls:
                    calls[choice % len(calls)][1].cancel()
                elif act == "answer" and answered < len(calls):
                    wire.answer(calls[answered][0])
                    answered += 1
                else:
                    await asyncio.sleep(0)
            wire.answer(*(tag for tag, _ in calls[answered:]))
            answers = await asyncio.gather(*(call for _, call in calls), return_exceptions=True)
            await asyncio.sleep(0.001)
            for (tag, call), answer in zip(calls, answers, strict=True):
                assert call.cancelled() or answer == tag
            assert abandoned == [tag for tag, call in calls if call.cancelled()]

    virtually(play())


def test_a_silent_redis_is_given_up_in_time_by_everybody_who_waits() -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, _):
            first = pipeline.call("GET", 1)
            await asyncio.sleep(0.03)
            second = pipeline.call("GET", 2)
            await fails_at(first, LONGEST_SECONDS)
            await fails_at(second, LONGEST_SECONDS)
            assert str(await pipeline.broken()) == "no answer within 0.05 s"
            await fails_at(pipeline.call("GET", 3), LONGEST_SECONDS)

    assert PATIENCE_SECONDS + GRACE_SECONDS == LONGEST_SECONDS
    virtually(play())


def test_every_call_has_all_of_the_patience_and_no_more() -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, wire):
            first = pipeline.call("GET", 1)
            await asyncio.sleep(0.03)
            second = pipeline.call("GET", 2)
            await asyncio.sleep(0.009)
            wire.answer("late enough")
            assert await first == "late enough"
            await fails_at(second, 0.03 + LONGEST_SECONDS)

    virtually(play())


def test_an_answer_that_waited_for_our_own_process_is_no_silence() -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, wire):
            call = pipeline.call("GET", 1)
            asyncio.get_running_loop().call_later(PATIENCE_SECONDS + GRACE_SECONDS / 2, wire.answer, "there")
            assert await call == "there"
            await asyncio.sleep(1)
            next_one = pipeline.call("GET", 2)
            wire.answer("still open")
            assert await next_one == "still open"

    virtually(play())


def test_nobody_is_looked_for_while_nothing_is_asked() -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, wire):
            call = pipeline.call("GET", 1)
            wire.answer(1)
            await call
            await asyncio.sleep(10)
            await asyncio.sleep(0)
            await fails_at(pipeline.call("GET", 2), 10 + LONGEST_SECONDS)

    virtually(play())


def test_an_answer_that_is_an_error_is_the_error_of_one_call() -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, wire):
            bad, good = pipeline.call("BAD"), pipeline.call("GOOD")
            wire.answer(ResponseError("unknown command"), "fine")
            with pytest.raises(ResponseError):
                await bad
            assert await good == "fine"

    virtually(play())


def test_an_error_for_somebody_who_gave_up_is_dropped() -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, wire):
            abandoned: list[Any] = []
            bad, good = pipeline.call("BAD", if_abandoned=abandoned.append), pipeline.call("GOOD")
            ignored = pipeline.call("IGNORED")
            bad.cancel()
            ignored.cancel()
            wire.answer(ResponseError("unknown command"), "fine", "dropped")
            assert await good == "fine"
            await asyncio.sleep(0)
            assert abandoned == []

    virtually(play())


@pytest.mark.parametrize(
    "answer", [ConnectionError("reset"), ReadOnlyError("You can't write against a read only replica.")]
)
def test_what_breaks_the_connection_fails_everybody_on_it(answer: Exception) -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, wire):
            calls = [pipeline.call("GET", number) for number in range(2)]
            calls.append(pipeline.call("GET", "cancelled"))
            calls[-1].cancel()
            wire.answer(answer)
            for call in calls[:-1]:
                await fails_at(call, 0)
            assert await pipeline.broken() is answer

    virtually(play())


def test_what_cannot_be_sent_breaks_the_connection() -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, wire):
            wire.fault = RuntimeError("the transport is closed")
            await fails_at(pipeline.call("GET", 1), 0)
            assert await pipeline.broken() is wire.fault

    virtually(play())


def test_an_answer_to_nothing_breaks_the_connection() -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, wire):
            wire.answer("whose?")
            assert str(await pipeline.broken()) == "an answer to nothing"

    virtually(play())


def test_those_who_still_wait_when_it_is_closed_are_told() -> None:
    async def play() -> None:
        async with a_pipeline() as (pipeline, _):
            call = pipeline.call("GET", 1)
        await fails_at(call, 0)

    virtually(play())
