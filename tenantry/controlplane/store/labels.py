"""Queries on the labels of versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import ARRAY, String, any_, delete, literal
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from tenantry.controlplane.store.tables import DefinitionLabelRow

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

Label = DefinitionLabelRow

_FRESH: Final = {"populate_existing": True}
"""Labels move by statements that the session's own rows do not hear of."""


async def find_label(session: AsyncSession, tenant: str, kind: str, name: str, label: str) -> Label | None:
    """One label of a definition."""
    return await session.get(Label, (tenant, kind, name, label))


async def list_labels(session: AsyncSession, tenant: str, names: Collection[str]) -> Sequence[Label]:
    """Every label of the definitions of these names, whatever their kind, by kind, name and label."""
    statement = (
        select(Label)
        .where(col(Label.tenant) == tenant, col(Label.name) == any_(literal(list(names), ARRAY(String))))
        .order_by(col(Label.kind), col(Label.name), col(Label.label))
    )
    return (await session.scalars(statement, execution_options=_FRESH)).all()


async def list_labels_of_kind(session: AsyncSession, tenant: str, kind: str) -> Sequence[Label]:
    """Every label of the tenant's definitions of a kind, by name and label."""
    statement = (
        select(Label)
        .where(col(Label.tenant) == tenant, col(Label.kind) == kind)
        .order_by(col(Label.name), col(Label.label))
    )
    return (await session.scalars(statement, execution_options=_FRESH)).all()


async def put_label(session: AsyncSession, row: Label) -> None:
    """Gives a version a label; whichever had it loses it."""
    statement = insert(Label).values(row.model_dump())
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant", "kind", "name", "label"], set_={"version": row.version}
        )
    )


async def drop_label(session: AsyncSession, row: Label) -> None:
    """Takes a label away."""
    await session.execute(
        delete(Label).where(
            col(Label.tenant) == row.tenant,
            col(Label.kind) == row.kind,
            col(Label.name) == row.name,
            col(Label.label) == row.label,
        )
    )
