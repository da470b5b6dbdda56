"""The executor's lease on its executions, and what it does with those of others that died.

Used by the process: `held` surrounds the time in which it serves, `leave` is the last thing it does.
"""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.events import Failure, FailureCode
from tenantry.dataplane.engine.core.state import ENDED
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.executions.given_up import give_up
from tenantry.dataplane.executions.pinned import PlanGoneError
from tenantry.dataplane.executions.repeating import repeating
from tenantry.dataplane.executions.revival import JournalDamagedError, read, revive
from tenantry.language.plan.model import Durability
from tenantry.protocol.problems import Source
from tenantry.tenants.identity import TenantId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.bundles.registry import Registry
    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.dataplane.executions.executor import Executor
    from tenantry.dataplane.executions.pinned import PinnedPlans
    from tenantry.dataplane.executions.revival import Revived
    from tenantry.dataplane.journal.ownership import Ownership, Segment, Taken
    from tenantry.dataplane.journal.writer import JournalWriter

DEFAULT_LEASE_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 1.0
"""How often it looks for what others left behind."""

READ_BYTES: Final = 16 * 1024 * 1024
"""So much of what others left behind is read at a time, and taken up before more is."""

_BATCH: Final = 200
_LOG = logging.getLogger(__name__)


class Lease:
    """Keeps an executor alive in the eyes of the others, and takes over from those that are not.

    Args:
        name: of the data plane, for people who look at the table.
        lease_seconds: so long after its last sign of life an executor is taken for dead.
    """

    def __init__(
        self,
        *,
        name: str,
        ownership: Ownership,
        journal: JournalWriter,
        executor: Executor,
        registry: Registry,
        plans: PinnedPlans,
        lease_seconds: float = DEFAULT_LEASE_SECONDS,
    ) -> None:
        self.name, self._lease_seconds = name, lease_seconds
        self._ownership, self._journal, self._executor = ownership, journal, executor
        self._registry, self._plans = registry, plans
        self._adopted: dict[str, Taken] = {}
        self._in_doubt = False

    @property
    def executor_id(self) -> str:
        """What this executor is called at present."""
        return self._journal.owner

    @property
    def served(self) -> list[TenantId]:
        """Whose executions it may take, and whose orders."""
        return [TenantId(name) for name in self._registry.revisions()]

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Registers, keeps the lease and looks around as long as this lasts.

        At the end the lease is still held, so that what is left can be written; then comes `leave`.

        Raises:
            JournalUnavailableError: the database cannot be reached.
        """
        await self._register()
        async with (
            repeating(self.renew, every_seconds=self._lease_seconds / 3),
            repeating(self.look_around, every_seconds=LOOK_SECONDS),
        ):
            yield

    async def leave(self) -> None:
        """Gives the lease up, once nothing more is written: what is left is free for others at once."""
        try:
            await self._ownership.leave(self.executor_id)
        except JournalUnavailableError:
            _LOG.warning("the lease could not be given up: it expires in %g s", self._lease_seconds)

    async def renew(self) -> None:
        """Keeps the lease, or begins anew under another name after having been declared dead."""
        if await self._ownership.renew(self.executor_id, self._lease_seconds):
            return
        _LOG.error("executor %s was declared dead: what it ran is taken over", self.executor_id)
        self._executor.lose_all()
        self._journal.lose_all()
        await self._register()

    async def look_around(self) -> int:
        """Takes over what others left behind; gives how much."""
        count = 0
        if self._in_doubt:
            await self._disclaim()
        orphans = await self._ownership.bury(self.executor_id)
        while orphans and not self._executor.draining:
            taken = await self._take_orphans()
            self.adopt(*taken)
            count += len(taken)
            orphans = len(taken) == _BATCH
            await self._start_adopted()
        if self._adopted:
            await self._start_adopted()
        return count

    def adopt(self, *taken: Taken) -> None:
        """Remembers what is ours and not running yet; the next look sees to it."""
        self._adopted |= {one.id: one for one in taken}

    def doubt(self) -> None:
        """Somebody here wanted to take something and did not hear whether it is ours now."""
        self._in_doubt = True

    async def _disclaim(self) -> None:
        self._in_doubt = False
        try:
            await self._ownership.disclaim(self.executor_id, [*self._adopted, *self._executor.ids])
        except BaseException:
            self.doubt()
            raise

    async def _take_orphans(self) -> list[Taken]:
        try:
            return await self._ownership.take_orphans(self.executor_id, self.served, _BATCH)
        except BaseException:
            self.doubt()
            raise

    async def _start_adopted(self) -> None:
        while self._adopted:
            await self._start_some(self._next_adopted())

    def _next_adopted(self) -> list[Taken]:
        """Those whose journals are read together: as many as fit, and one that alone is larger."""
        found: list[Taken] = []
        size = 0
        for one in self._adopted.values():
            size += one.journal_bytes
            if found and size > READ_BYTES:
                break
            found.append(one)
        return found

    async def _start_some(self, adopted: list[Taken]) -> None:
        try:
            segments = await self._ownership.segments(adopted)
        except JournalUnavailableError:
            for one in adopted:  # perhaps for their size: the others come first when this is tried again
                self._adopted[one.id] = self._adopted.pop(one.id, one)
            raise
        for one in adopted:
            await self._take_over(one, segments[one.id])
            self._adopted.pop(one.id, None)

    async def _take_over(self, taken: Taken, segments: list[Segment]) -> None:
        """Goes on with an orphan, or ends it when nobody can."""
        tenant = self._registry.tenant(taken.tenant)
        if tenant is None:  # its bundle was dropped at this moment; another executor may serve it
            await self._ownership.give_back(taken)
            return
        try:
            revived = await revive(taken, segments, *await self._plans.get(taken.tenant, taken.plan))
            events = self._recover(revived)
        except JournalUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  (whatever is wrong with one must not keep the others)
            expected = isinstance(error, PlanGoneError | JournalDamagedError)
            _LOG.error("execution %s cannot be gone on with: %s", taken.id, error, exc_info=not expected)
            await self._give_up(taken, segments)
            return
        if revived.record.released:
            self._journal.record(revived.record)
            return
        await self._executor.readmit(tenant, taken.id)
        self._executor.take_up(tenant, revived.state, revived.record, events)

    def _recover(self, revived: Revived) -> list[AnyEvent]:
        state, now = revived.state, self._executor.clock()
        if state.ended:
            revived.record.released = True
            return []
        if state.plan.durability is Durability.NONE:
            return control.fail(state, _not_journaled(), now)
        return control.recover(state, self.name, now)

    async def _give_up(self, taken: Taken, segments: list[Segment]) -> None:
        if taken.status in ENDED:  # taken to be retried: it stays as it ended
            await self._ownership.give_back(taken)
            return
        standing = await self._ownership.standing(taken)
        if standing is not None:
            now = self._executor.clock()
            self._journal.record(await read(segments, lambda: give_up(taken, standing, segments, now)))

    async def _register(self) -> None:
        executor_id = str(uuid4())
        await self._ownership.register(executor_id, self.name, self._lease_seconds)
        self._journal.owner = executor_id
        self._adopted.clear()


def _not_journaled() -> Failure:
    return Failure(
        code=FailureCode.INTERRUPTED,
        message="its executor stopped, and with durability none nobody goes on with it: send it again",
        source=Source.PLATFORM,
    )
