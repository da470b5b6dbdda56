"""The limit store that replicas share: each decision one script in Redis, one round trip.

The script decides; what it decided from comes back, and the same decision made here in Python says how it
went. The tests hold both to one model, and to each other to the last bit.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.dataplane.limits.memory import DEFAULT_LEASE_SECONDS
from tenantry.dataplane.redis.link import Script, tenant_key
from tenantry.tenants.limits import Admission, Limits, Usage, decide
from tenantry.tenants.windows import WindowCount

if TYPE_CHECKING:
    from tenantry.dataplane.redis.link import RedisLink
    from tenantry.dataplane.redis.pipeline import Word
    from tenantry.tenants.identity import Instant, TenantId

_SCRIPT: Final = Script.read("limits", Path(__file__).with_name("redis.lua"))
_COUNTS: Final = msgspec.msgpack.Decoder(dict[str, WindowCount])
_ANY_NUMBER: Final = -1


class RedisLimitStore:
    """A `LimitStore` in Redis, under two keys per tenant. Instants are of a clock that replicas share.

    What is awaited raises `RedisDownError` when it cannot be told whether it was carried out.
    """

    def __init__(self, link: RedisLink, *, lease_seconds: float = DEFAULT_LEASE_SECONDS) -> None:
        self.lease_seconds = lease_seconds
        self._link = link

    async def admit(self, tenant: TenantId, limits: Limits, execution_id: str, now: Instant) -> Admission:
        """See `LimitStore.admit`."""
        windows = [
            word for policy in limits.windows for word in (policy.name, policy.limit, policy.window_seconds)
        ]
        words = ("admit", *self._words(limits, execution_id, now), *windows)
        give_back = partial(self._give_back, tenant, execution_id)
        held, counts = await self._link.run(_SCRIPT, _keys(tenant), words, if_abandoned=give_back)
        before = Usage(counts=_COUNTS.decode(counts) if counts else {}, held=held)
        admission, _ = decide(limits, before, now)
        return admission

    async def renew(self, tenant: TenantId, limits: Limits, execution_id: str, now: Instant) -> bool:
        """See `LimitStore.renew`."""
        words = ("renew", *self._words(limits, execution_id, now))
        return bool(await self._link.run(_SCRIPT, _keys(tenant), words))

    def release(self, tenant: TenantId, execution_id: str) -> None:
        """See `LimitStore.release`. A lease in a Redis that is away expires."""
        self._link.post("ZREM", _keys(tenant)[1], execution_id)

    def _give_back(self, tenant: TenantId, execution_id: str, _answer: Any) -> None:
        """The lease, when whoever asked was cancelled before the answer came."""
        self.release(tenant, execution_id)

    def _words(self, limits: Limits, execution_id: str, now: Instant) -> tuple[Word, ...]:
        bound = limits.concurrency.limit if limits.concurrency else _ANY_NUMBER
        return (execution_id, now, self.lease_seconds, bound)


def _keys(tenant: TenantId) -> tuple[str, str]:
    return tenant_key(tenant, "counts"), tenant_key(tenant, "leases")
