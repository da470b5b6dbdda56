"""Idempotency keys as they are stored: the execution a caller's name for a request stands for, for 24 hours.

A key is written with the execution's first commit (`journal/statement.py`): both are there, or neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.dataplane.journal.reading import fetch

if TYPE_CHECKING:
    import asyncpg

    from tenantry.tenants.identity import TenantId


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """The execution a key stands for, and the digest of what was asked for."""

    fingerprint: str
    execution_id: str


class StoredKeys:
    """Looks keys up. Raises `JournalUnavailableError` when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def find(self, tenant: TenantId, key: str) -> KeyHolder | None:
        """Whoever holds the tenant's key, unless it has expired."""
        rows = await fetch(
            self._pool,
            "SELECT fingerprint, execution_id::text FROM idempotency_keys"
            " WHERE tenant = $1 AND key = $2 AND expires_at > now()",
            tenant,
            key,
        )
        return KeyHolder(rows[0]["fingerprint"], rows[0]["execution_id"]) if rows else None
