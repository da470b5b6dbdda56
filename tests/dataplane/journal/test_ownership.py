"""Who runs what, on a real PostgreSQL with many at it at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg

from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.dataplane.journal.ownership import Ownership
from tenantry.tenants.identity import TenantId
from tests.support.executions import Execution
from tests.support.journal import commit

if TYPE_CHECKING:
    from tenantry.dataplane.journal.ownership import Taken

ACME = TenantId("acme")
COMPLETED = ExecutionStatus.COMPLETED
ORPHANS, TAKERS, AT_ONCE = 240, 8, 3


async def test_of_many_that_look_at_the_same_time_each_orphan_goes_to_one(url: str) -> None:
    orphans = [Execution().submit() for _ in range(ORPHANS)]
    await commit(url, *orphans, owner=str(uuid4()))
    async with asyncpg.create_pool(url, min_size=TAKERS, max_size=TAKERS) as pool:
        takers = [Ownership(pool) for _ in range(TAKERS)]

        async def take_all(one: Ownership) -> list[Taken]:
            executor = str(uuid4())
            found: list[Taken] = []
            await one.register(executor, "tests", 60.0)
            while taken := await one.take_orphans(executor, [ACME], AT_ONCE):
                found += taken
            return found

        shares = await asyncio.gather(*map(take_all, takers))
    taken = [one for share in shares for one in share]
    assert sorted(one.id for one in taken) == sorted(orphan.id for orphan in orphans)
    assert {one.epoch for one in taken} == {2}


async def test_of_many_that_want_an_execution_nobody_runs_one_gets_it(url: str) -> None:
    executions = [Execution().finish() for _ in range(ORPHANS // TAKERS)]
    await commit(url, *executions)
    async with asyncpg.create_pool(url, min_size=TAKERS, max_size=TAKERS) as pool:
        takers = {str(uuid4()): Ownership(pool) for _ in range(TAKERS)}
        for executor, one in takers.items():
            await one.register(executor, "tests", 60.0)
        for execution in executions:
            taken = await asyncio.gather(
                *(one.take(executor, ACME, execution.id, (COMPLETED,)) for executor, one in takers.items())
            )
            assert [one.epoch for one in taken if one is not None] == [2]
