"""Queries on API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from tenantry.controlplane.store.tables import ApiKeyRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession


async def add_key(session: AsyncSession, key: ApiKeyRow) -> bool:
    """Adds a key; `False` when another key in force has its name."""
    statement = (
        insert(ApiKeyRow).values(key.model_dump()).on_conflict_do_nothing().returning(col(ApiKeyRow.id))
    )
    return await session.scalar(statement) is not None


async def find_key(session: AsyncSession, tenant: str, key_id: str) -> ApiKeyRow | None:
    """One of the tenant's keys."""
    return await session.get(ApiKeyRow, (tenant, key_id))


async def find_key_anywhere(session: AsyncSession, key_id: str) -> ApiKeyRow | None:
    """The key of that id, whichever tenant's it is: the question authentication asks."""
    return await session.scalar(select(ApiKeyRow).where(col(ApiKeyRow.id) == key_id))


async def keys_in_force(session: AsyncSession, tenant: str, now: datetime) -> Sequence[ApiKeyRow]:
    """The tenant's keys that are neither revoked nor expired, by id."""
    statement = select(ApiKeyRow).where(
        col(ApiKeyRow.tenant) == tenant,
        col(ApiKeyRow.revoked_at).is_(None),
        col(ApiKeyRow.expires_at).is_(None) | (col(ApiKeyRow.expires_at) > now),
    )
    return (await session.scalars(statement.order_by(col(ApiKeyRow.id)))).all()


async def list_keys(session: AsyncSession, tenant: str, *, after: str, limit: int) -> Sequence[ApiKeyRow]:
    """Up to `limit` of the tenant's keys by id, revoked ones included, beginning behind `after`."""
    statement = (
        select(ApiKeyRow)
        .where(col(ApiKeyRow.tenant) == tenant, col(ApiKeyRow.id) > after)
        .order_by(col(ApiKeyRow.id))
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def revoke_keys_named(
    session: AsyncSession, tenant: str, name: str, *, except_hash: str, now: datetime
) -> None:
    """Revokes the key in force under a name unless its token hashes to `except_hash`."""
    await session.execute(
        update(ApiKeyRow)
        .where(
            col(ApiKeyRow.tenant) == tenant,
            col(ApiKeyRow.name) == name,
            col(ApiKeyRow.revoked_at).is_(None),
            col(ApiKeyRow.hash) != except_hash,
        )
        .values(revoked_at=now)
    )


async def reinstate_key(session: AsyncSession, tenant: str, key_id: str, token_hash: str) -> None:
    """Puts a key back in force, for a token of that hash."""
    await session.execute(
        update(ApiKeyRow)
        .where(col(ApiKeyRow.tenant) == tenant, col(ApiKeyRow.id) == key_id)
        .values(hash=token_hash, revoked_at=None)
    )
