"""Idempotency: of requests with the same key one runs, and the others get its answer.

In one process they meet here; between processes in the database, where the first commit of an execution
takes its key or finds it taken (`journal.keys`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from tenantry.dataplane.journal.keys import KeyHolder, StoredKeys
    from tenantry.tenants.identity import TenantId


class IdempotencyKeys:
    """The keys of requests in progress, and those in the database behind them."""

    def __init__(self, stored: StoredKeys) -> None:
        self._stored = stored
        self._claims: dict[tuple[TenantId, str], Claim] = {}

    def claim(self, tenant: TenantId, key: str) -> Claim:
        """To be used as `async with`: inside, `holder` says who has the key, or it is ours to use."""
        return Claim(self, tenant, key)

    async def find(self, tenant: TenantId, key: str) -> KeyHolder | None:
        """Whoever holds the key in the database."""
        return await self._stored.find(tenant, key)

    async def _enter(self, claim: Claim) -> None:
        name = (claim.tenant, claim.key)
        while (first := self._claims.get(name)) is not None:
            # A wait of its own: who stops waiting takes nothing from the others.
            claim.holder = await asyncio.shield(first.settled)
            if claim.holder is not None:
                return
        self._claims[name] = claim
        claim.holder = await self._stored.find(claim.tenant, claim.key)

    def _leave(self, claim: Claim) -> None:
        if self._claims.get((claim.tenant, claim.key)) is claim:
            del self._claims[claim.tenant, claim.key]
        claim.settle(None)


class Claim:
    """One request's claim to a key.

    Attributes:
        holder: the request that has it; `None` when this one has, and others wait to hear what becomes of it.
        settled: what becomes of it: the execution, or `None` when there is none.
    """

    def __init__(self, keys: IdempotencyKeys, tenant: TenantId, key: str) -> None:
        self._keys = keys
        self.tenant, self.key = tenant, key
        self.holder: KeyHolder | None = None
        self.settled: asyncio.Future[KeyHolder | None] = asyncio.get_running_loop().create_future()

    def settle(self, holder: KeyHolder | None) -> None:
        """Tells those who wait which execution the key stands for."""
        if not self.settled.done():
            self.settled.set_result(holder)

    async def __aenter__(self) -> Self:
        try:
            await self._keys._enter(self)  # noqa: SLF001  (the two are one thing)
        except BaseException:
            self._keys._leave(self)  # noqa: SLF001  (as above)
            raise
        if self.holder is not None:
            self.settle(self.holder)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keys._leave(self)  # noqa: SLF001  (as above)
