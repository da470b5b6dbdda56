"""Acting on dead letters: retried, discarded, archived, one or many, each at most once. Gateway's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tenantry.dataplane.dead_letters.decision import Go, Refuse, Wish, decide_retry
from tenantry.dataplane.dead_letters.letters import GOAL, LetterAct, LetterStatus
from tenantry.dataplane.dead_letters.port import Refusal, RefusedRetryError
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.identifiers import new_execution_id
from tenantry.dataplane.limits.port import LimitsUnavailableError, OverLimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.dead_letters.letters import DeadLetter
    from tenantry.dataplane.dead_letters.port import Retries
    from tenantry.dataplane.dead_letters.store import LetterStore
    from tenantry.tenants.identity import TenantId

Stop: TypeAlias = OverLimitError | LimitsUnavailableError | JournalUnavailableError

ACT_SECONDS: Final = 30.0
"""A retry that has not begun by then is given up: well before others may take the letter for free."""

BULK_SECONDS: Final = 20.0
"""So long many letters are retried for one request; the rest is for the next."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one letter of many: it is retried, or refused."""

    id: str
    letter: DeadLetter | None = None
    refusal: RefusedRetryError | None = None


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What became of many letters.

    Attributes:
        told: of those that were tried, in order.
        remaining: those that were not.
        stopped_by: why they were not; `None` when the time was over, or nothing remains.
    """

    told: tuple[Told, ...]
    remaining: tuple[str, ...] = ()
    stopped_by: Stop | None = None


class LetterActs:
    """Acts on letters of a tenant by their ids.

    Every call raises `JournalUnavailableError` when the database does not answer.
    """

    def __init__(self, store: LetterStore, retries: Retries, clock: Clock) -> None:
        self._store, self._retries, self._clock = store, retries, clock

    async def discard(self, tenant: TenantId, letter_id: str, actor: str) -> DeadLetter:
        """Settles a letter as of no use; one that is discarded stays so.

        Raises:
            RefusedRetryError: there is no such letter, or it is not open.
        """
        return await self._change(tenant, letter_id, LetterAct.DISCARD, actor)

    async def archive(self, tenant: TenantId, letter_id: str, actor: str) -> DeadLetter:
        """Puts a letter aside, from where it can still be retried; one that is archived stays so.

        Raises:
            RefusedRetryError: there is no such letter, or it is not open.
        """
        return await self._change(tenant, letter_id, LetterAct.ARCHIVE, actor)

    async def retry(self, tenant: ServedTenant, letter_id: str, wish: Wish) -> DeadLetter:
        """Has what failed done again; one that has been retried stays so, and nothing is done again.

        Raises:
            RefusedRetryError: there is no such letter, or it cannot be retried; it stays as it is.
            OverLimitError: the tenant's limits have no room for it now; it stays as it is.
            LimitsUnavailableError: nobody can tell whether they have; it stays as it is.
        """
        claim = new_execution_id(self._clock())
        found = await self._store.claim(tenant.name, letter_id, claim, lambda case: decide_retry(case, wish))
        if found is None:
            raise _not_found()
        letter, decision = found
        if isinstance(decision, Refuse):
            raise RefusedRetryError(decision.code, decision.message)
        if isinstance(decision, Go):
            await self._go(tenant, decision, wish, claim)
        elif decision.begun_as is not None:
            begun_as = decision.begun_as
            await self._store.settle(tenant.name, letter.execution_id, begun_as, wish.actor, begun_as)
        return await self._found(tenant.name, letter_id)

    async def retry_many(self, tenant: ServedTenant, letter_ids: Sequence[str], wish: Wish) -> BulkOutcome:
        """Retries letters one after another, until a limit, the database's silence or the time stops it."""
        end = self._clock() + BULK_SECONDS
        told: list[Told] = []
        stopped_by: Stop | None = None
        for letter_id in letter_ids:
            if told and self._clock() >= end:
                break
            try:
                told.append(Told(letter_id, await self.retry(tenant, letter_id, wish)))
            except RefusedRetryError as error:
                told.append(Told(letter_id, refusal=error))
            except (OverLimitError, LimitsUnavailableError, JournalUnavailableError) as error:
                stopped_by = error
                break
        return BulkOutcome(tuple(told), tuple(letter_ids[len(told) :]), stopped_by)

    async def _change(self, tenant: TenantId, letter_id: str, act: LetterAct, actor: str) -> DeadLetter:
        changed = await self._store.change(tenant, letter_id, act, actor)
        letter = await self._found(tenant, letter_id)
        if changed or letter.status is GOAL[act]:
            return letter
        if letter.status is LetterStatus.OPEN:
            raise RefusedRetryError(Refusal.BUSY, "the letter is being retried: look at it again in a moment")
        raise RefusedRetryError(Refusal.NOT_OPEN, f"the letter is {letter.status}, not open")

    async def _go(self, tenant: ServedTenant, go: Go, wish: Wish, claim: str) -> None:
        """Begins what is claimed. When nobody knows whether it began, the claim is left to show it."""
        execution_id = go.covered[0].execution_id
        try:
            async with asyncio.timeout(ACT_SECONDS):
                await self._begin(tenant, go, wish, claim)
        except (RefusedRetryError, OverLimitError, LimitsUnavailableError):
            await self._store.release(tenant.name, execution_id, claim)
            raise
        except TimeoutError:
            what = "the retry did not begin in time: look at the letter again"
            raise JournalUnavailableError(what) from None
        await self._store.settle(tenant.name, execution_id, claim, wish.actor, claim if go.fork else None)

    async def _begin(self, tenant: ServedTenant, go: Go, wish: Wish, new_id: str) -> None:
        letter = go.covered[0]
        inputs = {} if wish.value is msgspec.UNSET else {letter.task: wish.value}
        if go.fork:
            tasks = [one.task for one in go.covered]
            await self._retries.fork(
                tenant, letter.execution_id, wish.actor, inputs, tasks=tasks, new_id=new_id
            )
        else:
            await self._retries.retry(
                tenant, letter.execution_id, wish.actor, inputs, acknowledged=wish.acknowledged
            )

    async def _found(self, tenant: TenantId, letter_id: str) -> DeadLetter:
        letter = await self._store.find(tenant, letter_id)
        if letter is None:
            raise _not_found()
        return letter


def _not_found() -> RefusedRetryError:
    return RefusedRetryError(Refusal.NOT_FOUND, "there is no such dead letter")
