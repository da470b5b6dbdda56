"""The results that replicas share: a shelf per tenant in Redis, each step one script, one round trip."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.cache.port import SharedResult
from tenantry.dataplane.cache.shelf import Bounds, weigh
from tenantry.dataplane.redis.link import Script, tenant_key
from tenantry.dataplane.redis.pipeline import RedisDownError
from tenantry.language.values import dump_json, parse_json

if TYPE_CHECKING:
    from tenantry.dataplane.cache.shelf import Name
    from tenantry.dataplane.redis.link import RedisLink
    from tenantry.dataplane.redis.replicas import Replicas
    from tenantry.language.values import Json
    from tenantry.tenants.identity import TenantId

_SCRIPT: Final = Script.read("results", Path(__file__).with_name("redis.lua"))


class RedisResults:
    """`SharedResults` in Redis. Names are hashed: a key may hold what its caller sent."""

    def __init__(self, link: RedisLink, replicas: Replicas, bounds: Bounds | None = None) -> None:
        self._link, self._replicas, self._bounds = link, replicas, bounds or Bounds()

    async def find(self, tenant: TenantId, name: Name, ttl_seconds: float, now: float) -> SharedResult | None:
        """See `SharedResults.find`."""
        offset = self._replicas.offset_seconds
        words = ("find", _digest(name), now + offset, ttl_seconds)
        try:
            kept: bytes | None = await self._link.run(_SCRIPT, _keys(tenant), words)
        except RedisDownError:
            return None
        if kept is None:
            return None
        kept_at, _, text = kept.split(b" ", 2)
        return SharedResult(parse_json(text), float(kept_at) - offset)

    async def keep(self, tenant: TenantId, name: Name, output: Json, ttl_seconds: float, now: float) -> None:
        """See `SharedResults.keep`."""
        bounds, memory_bytes = self._bounds, weigh(output)
        if memory_bytes is None or memory_bytes > min(bounds.value_bytes, bounds.total_bytes):
            kept = (0, b"")
        else:
            kept = (memory_bytes, dump_json(output))
        words = ("keep", _digest(name), now + self._replicas.offset_seconds, ttl_seconds, *kept)
        try:
            await self._link.run(_SCRIPT, _keys(tenant), (*words, bounds.entries, bounds.total_bytes))
        except RedisDownError:
            return


def _keys(tenant: TenantId) -> tuple[str, str]:
    return tenant_key(tenant, "results"), tenant_key(tenant, "results-read")


def _digest(name: Name) -> bytes:
    task, key = name
    return sha256(task.encode() + b"\0" + (key.encode() if isinstance(key, str) else b"\0" + key)).digest()
