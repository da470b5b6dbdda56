"""Queries on rate cards. A card is written once; the next one ends its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import col, select

from tenantry.controlplane.store.tables import RateCardRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession


def add_rate_card(
    session: AsyncSession, tenant: str, prices: dict[str, str], effective_from: datetime, author: str
) -> None:
    """Adds a card, in force from an instant on."""
    session.add(RateCardRow(tenant=tenant, effective_from=effective_from, prices=prices, author=author))


async def find_rate_card(session: AsyncSession, tenant: str, at: datetime) -> RateCardRow | None:
    """The card in force for the tenant at an instant."""
    statement = (
        select(RateCardRow)
        .where(col(RateCardRow.tenant) == tenant, col(RateCardRow.effective_from) <= at)
        .order_by(col(RateCardRow.effective_from).desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def list_rate_cards(session: AsyncSession, tenant: str) -> Sequence[RateCardRow]:
    """Every card the tenant ever had, oldest first."""
    statement = select(RateCardRow).where(col(RateCardRow.tenant) == tenant)
    return (await session.scalars(statement.order_by(col(RateCardRow.effective_from)))).all()
