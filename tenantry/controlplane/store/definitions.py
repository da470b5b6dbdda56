"""Queries on definitions and their versions. A version is written once and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from tenantry.controlplane.store.tables import DefinitionRow, DefinitionVersionRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlmodel.sql.expression import SelectOfScalar

Version = DefinitionVersionRow
Current = DefinitionRow


async def add_versions(session: AsyncSession, versions: Sequence[Version]) -> None:
    """Writes new versions and makes each the current one of its definition, with nothing wrong with it."""
    if not versions:
        return
    session.add_all(versions)
    await session.flush()
    statement = insert(Current).values(
        [
            {"tenant": row.tenant, "kind": row.kind, "name": row.name, "version": row.version}
            for row in versions
        ]
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant", "kind", "name"],
            set_={"version": statement.excluded.version, "findings": None},
        )
    )


async def current_definitions(session: AsyncSession, tenant: str) -> Sequence[Version]:
    """The current version of every definition of the tenant, by kind and name."""
    statement = _current(tenant).order_by(col(Version.kind), col(Version.name))
    return (await session.scalars(statement)).all()


async def list_definitions(
    session: AsyncSession,
    tenant: str,
    *,
    kind: str | None,
    broken: bool | None,
    after: tuple[str, str],
    limit: int,
) -> Sequence[Version]:
    """Up to `limit` current versions by kind and name, beginning behind the kind and name in `after`.

    Args:
        session: a transaction.
        tenant: whose.
        kind: only these, when it is given.
        broken: only those that a forced change broke, or only the others, when it is given.
        after: kind and name.
        limit: how many.
    """
    statement = _current(tenant).where(tuple_(col(Version.kind), col(Version.name)) > after)
    if kind is not None:
        statement = statement.where(col(Version.kind) == kind)
    if broken is not None:
        statement = statement.where(col(Current.findings).is_not(None) == broken)
    statement = statement.order_by(col(Version.kind), col(Version.name)).limit(limit)
    return (await session.scalars(statement)).all()


async def find_definition(
    session: AsyncSession, tenant: str, kind: str, name: str, version: int | None
) -> Version | None:
    """One version of a definition; the current one when no version is named."""
    if version is not None:
        return await session.get(Version, (tenant, kind, name, version))
    return await session.scalar(_current(tenant).where(col(Version.kind) == kind, col(Version.name) == name))


async def list_versions(
    session: AsyncSession, tenant: str, kind: str, name: str, *, before: int | None, limit: int
) -> Sequence[Version]:
    """Up to `limit` versions of a definition, newest first, those older than `before` when it is given."""
    statement = select(Version).where(
        col(Version.tenant) == tenant, col(Version.kind) == kind, col(Version.name) == name
    )
    if before is not None:
        statement = statement.where(col(Version.version) < before)
    return (await session.scalars(statement.order_by(col(Version.version).desc()).limit(limit))).all()


async def count_definitions(
    session: AsyncSession, tenants: Iterable[str]
) -> dict[str, list[tuple[str, int]]]:
    """How many definitions of each kind each of the tenants has; a tenant without any is missing."""
    statement = (
        select(Current.tenant, Current.kind, func.count())
        .where(col(Current.tenant).in_(list(tenants)))
        .group_by(col(Current.tenant), col(Current.kind))
        .order_by(col(Current.tenant), col(Current.kind))
    )
    counts: dict[str, list[tuple[str, int]]] = {}
    for tenant, kind, count in await session.execute(statement):
        counts.setdefault(tenant, []).append((kind, count))
    return counts


async def broken_definitions(session: AsyncSession, tenant: str) -> Sequence[Current]:
    """The tenant's current definitions that forced changes left with errors."""
    statement = select(Current).where(col(Current.tenant) == tenant, col(Current.findings).is_not(None))
    return (await session.scalars(statement)).all()


async def mark_broken(
    session: AsyncSession, tenant: str, findings: Mapping[tuple[str, str], list[dict[str, Any]]]
) -> None:
    """Notes what is wrong with current definitions, by kind and name; with an empty list, that nothing is."""
    for (kind, name), found in findings.items():
        await session.execute(
            update(Current)
            .where(col(Current.tenant) == tenant, col(Current.kind) == kind, col(Current.name) == name)
            .values(findings=found or None)
        )


def _current(tenant: str) -> SelectOfScalar[Version]:
    matches = and_(
        col(Version.tenant) == col(Current.tenant),
        col(Version.kind) == col(Current.kind),
        col(Version.name) == col(Current.name),
        col(Version.version) == col(Current.version),
    )
    return select(Version).join(Current, matches).where(col(Current.tenant) == tenant)
