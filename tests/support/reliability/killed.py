"""The body of a data plane's process that kills itself where it persists something; started by `killing`."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final, TypeVar
from unittest.mock import patch

from tenantry.dataplane import __main__ as dataplane
from tenantry.dataplane.engine.ports import JournalUnavailableError
from tenantry.dataplane.executions.executor import Executor
from tenantry.dataplane.journal.ownership import Order, Ownership, Taken
from tenantry.dataplane.journal.store import PostgresStore
from tenantry.dataplane.limits.port import OverLimitError

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Iterable, Mapping, Sequence

    from tenantry.dataplane.journal.rows import Row
    from tenantry.tenants.identity import TenantId

T = TypeVar("T")

_SOMEBODY_DIED: Final = "SELECT FROM executors WHERE lease_expires_at < now() AND id <> $1::uuid"
_ORDERS_ARE_LEFT: Final = (
    "SELECT FROM commands WHERE owner NOT IN (SELECT id FROM executors WHERE id <> $1::uuid)"
)
_done: Final = Counter[str]()


async def _persist(what: str, doing: Coroutine[None, None, T]) -> T:
    """Does it; if `KILLED_AT` is its name and number, nothing after it, or (`KILLED`) not even that."""
    _done[what] += 1
    last = os.environ["KILLED_AT"] == f"{what}-{_done[what]}"
    if last and os.environ["KILLED"] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = await doing
    if last:
        os.kill(os.getpid(), signal.SIGKILL)
    return result


class KilledStore(PostgresStore):
    """A commit that writes something is a persistence point."""

    async def commit(self, rows: list[Row]) -> set[str]:
        """See `Store.commit`."""
        doing = super().commit(rows)
        return await (_persist("commit", doing) if rows else doing)


class KilledOwnership(Ownership):
    """What changes who runs what is a persistence point; what finds nothing to change is none."""

    async def bury(self, executor: str) -> bool:
        """See `Ownership`, as for all of these."""
        doing = super().bury(executor)
        return await (_persist("bury", doing) if await self._run(_SOMEBODY_DIED, executor) else doing)

    async def take_orphans(self, executor: str, tenants: Iterable[TenantId], limit: int) -> list[Taken]:
        """For the sake of `disclaim` its first answer is lost."""
        taken = await _persist("take_orphans", super().take_orphans(executor, tenants, limit))
        if os.environ["KILLED_AT"] == "disclaim-1" and _done["take_orphans"] == 1:
            raise JournalUnavailableError
        return taken

    async def disclaim(self, executor: str, but: Collection[str]) -> None:
        await _persist("disclaim", super().disclaim(executor, but))

    async def give_back(self, taken: Taken) -> None:
        await _persist("give_back", super().give_back(taken))

    async def take(
        self, executor: str, tenant: TenantId, execution_id: str, statuses: Sequence[str]
    ) -> Taken | None:
        return await _persist("take", super().take(executor, tenant, execution_id, statuses))

    async def order(self, order: Order) -> bool:
        return await _persist("order", super().order(order))

    async def orders(self, executor: str, tenants: Iterable[TenantId]) -> dict[int, Order]:
        doing = super().orders(executor, tenants)
        return await (_persist("orders", doing) if await self._run(_ORDERS_ARE_LEFT, executor) else doing)

    async def done(self, orders: Collection[int]) -> None:
        await _persist("done", super().done(orders))


async def _no_room(*_: object) -> None:
    raise OverLimitError(())


def serve(environment: Mapping[str, str]) -> None:
    """A data plane as these variables say; one that kills itself if `KILLED_AT` is among them."""
    sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115  (until the end of the process)
    os.environ.update(environment)
    if "KILLED_AT" not in environment:
        sys.exit(dataplane.main())
    if environment["KILLED_AT"].startswith("give_back"):  # what is taken is given back when there is no room
        Executor.admit = _no_room  # type: ignore[method-assign,assignment]
    with (
        patch("tenantry.dataplane.process.PostgresStore", KilledStore),
        patch("tenantry.dataplane.process.Ownership", KilledOwnership),
    ):
        sys.exit(dataplane.main())
