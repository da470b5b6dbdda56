"""Turns: one at a time, in order, a bounded queue, nothing kept."""

from __future__ import annotations

import asyncio

import pytest

from tenantry.controlplane.services.errors import BusyError
from tenantry.controlplane.services.turns import Turns


async def test_a_tenant_s_turns_are_taken_one_after_the_other_in_order() -> None:
    turns, said = Turns("test.busy", max_waiting=2), []

    async def take(number: int) -> None:
        async with turns.take("acme"):
            said.append(f"{number} begins")
            await asyncio.sleep(0)
            said.append(f"{number} ends")

    await asyncio.gather(*map(take, range(3)))
    assert said == [f"{number} {what}" for number in range(3) for what in ("begins", "ends")]


async def test_whoever_finds_the_queue_full_is_refused_and_others_are_not() -> None:
    turns = Turns("test.busy", max_waiting=0)
    async with turns.take("acme"), turns.take("globex"):
        with pytest.raises(BusyError, match="acme has 1 of these under way; try again") as refusal:
            async with turns.take("acme"):
                raise AssertionError("it had its turn")
    assert refusal.value.code == "test.busy"
    async with turns.take("acme"):
        pass


async def test_a_turn_that_fails_and_one_that_is_given_up_leave_nothing_behind() -> None:
    turns = Turns("test.busy", max_waiting=1)

    async def fail() -> None:
        async with turns.take("acme"):
            raise ZeroDivisionError

    async with turns.take("acme"):
        waiting = asyncio.create_task(fail())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert waiting.cancelled()
    with pytest.raises(ZeroDivisionError):
        await fail()
    assert turns._queues == {}
