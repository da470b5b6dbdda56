"""Tenants: created, changed, read; and the rate card that prices what they use."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tenantry.controlplane.services.access import require, transaction
from tenantry.controlplane.services.admission import (
    content_digest,
    judge_spec,
    read_tenant,
)
from tenantry.controlplane.services.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RejectedError,
)
from tenantry.controlplane.services.pages import Page, check_page_size, to_page
from tenantry.controlplane.services.stored import load_stored
from tenantry.controlplane.store.definitions import count_definitions
from tenantry.controlplane.store.rate_cards import add_rate_card, find_rate_card
from tenantry.controlplane.store.tenants import add_tenant, find_tenant, list_tenants
from tenantry.tenants.rate_card import DEFAULT_RATE_CARD, RateCard, RateCardError, parse_rate_card
from tenantry.tenants.roles import Permission
from tenantry.tenants.spec import TenantSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenantry.controlplane.services.changes import Change, TenantChanges
    from tenantry.controlplane.store.database import Database
    from tenantry.controlplane.store.tables import TenantRow
    from tenantry.language.documents.document import Document
    from tenantry.tenants.metering import Meter
    from tenantry.tenants.roles import Principal

EPOCH: Final = datetime.fromtimestamp(0, UTC)
"""A tenant's first rate card is in force from here: nothing it ever used is without a price."""


class Tenants:
    """The use cases around tenants."""

    def __init__(self, database: Database, changes: TenantChanges) -> None:
        self._database, self._changes = database, changes

    async def create(self, actor: Principal, text: str) -> TenantRow:
        """Creates the tenant that the text, one `WorkflowTenant`, describes. Repeating it changes nothing.

        Raises:
            RejectedError: the document is not valid.
            ConflictError: there is a tenant of that name and it is described differently.
        """
        require(actor, Permission.MANAGE_TENANTS, None)
        document = await _read(text)
        async with transaction(self._database, actor, document.name) as session:
            now = self._changes.now()
            is_new = await add_tenant(session, document.name, document.raw, now)
            async with self._changes.within(session, actor, document.name) as change:
                if is_new:
                    add_rate_card(session, document.name, DEFAULT_RATE_CARD.to_text(), EPOCH, actor.key_id)
                    change.record("tenant.create", document.name, digest=content_digest(document.raw))
                elif change.tenant.document != document.raw:
                    raise ConflictError(
                        "tenant.already_exists",
                        f"the tenant {document.name} exists with another document; update it instead",
                        field="text",
                    )
                return change.tenant

    async def update(self, actor: Principal, text: str) -> TenantRow:
        """Replaces the document of the tenant that the text names.

        Raises:
            RejectedError: the document is not valid, or would forbid a stored workflow.
            NotFoundError: there is no such tenant.
        """
        require(actor, Permission.MANAGE_TENANTS, None)
        document = await _read(text)
        async with self._changes.open(actor, document.name) as change:
            if change.tenant.document != document.raw:
                await _judge(change, document)
                change.record("tenant.update", document.name, digest=content_digest(document.raw))
                change.tenant.document = document.raw
            return change.tenant

    async def get(self, actor: Principal, tenant: str) -> TenantRow:
        """One tenant.

        Raises:
            NotFoundError: there is no such tenant, or it is not the actor's.
        """
        require(actor, Permission.READ_TENANT, tenant)
        async with transaction(self._database, actor, tenant) as session:
            row = await find_tenant(session, tenant)
        if row is None:
            raise NotFoundError("tenant", tenant, field="name")
        return row

    async def page(self, actor: Principal, *, first: int, after: str = "") -> Page[TenantRow]:
        """The platform's tenants by name."""
        require(actor, Permission.READ_TENANT, None)
        limit = check_page_size(first)
        async with transaction(self._database, actor, None) as session:
            return to_page(await list_tenants(session, after=after, limit=limit), first)

    async def count_definitions(
        self, actor: Principal, tenants: Sequence[str]
    ) -> list[list[tuple[str, int]]]:
        """How many definitions of each kind each of the tenants has, in one statement for all of them."""
        for tenant in tenants:
            require(actor, Permission.READ_DEFINITIONS, tenant)
        async with transaction(self._database, actor, None) as session:
            counts = await count_definitions(session, tenants)
        return [counts.get(tenant, []) for tenant in tenants]

    async def set_rate_card(
        self, actor: Principal, tenant: str, currency: str, prices: Sequence[tuple[Meter, str]]
    ) -> RateCard:
        """Prices what the tenant uses from now on; what it used before keeps its price.

        Raises:
            InvalidInputError: no currency, a price that is no decimal, or two prices of one meter.
        """
        require(actor, Permission.MANAGE_TENANTS, tenant)
        card = _read_rate_card(currency, prices)
        async with self._changes.open(actor, tenant) as change:
            await _replace_rate_card(change, card.to_text())
        return card


async def _read(text: str) -> Document:
    document, findings = await asyncio.to_thread(read_tenant, text)
    if document is None:
        raise RejectedError(findings)
    return document


def _read_rate_card(currency: str, prices: Sequence[tuple[Meter, str]]) -> RateCard:
    for meter, count in Counter(meter for meter, _ in prices).items():
        if count > 1:
            message = f"{meter.value} has {count} prices; a meter has one"
            raise InvalidInputError(RateCardError.code, message, field="prices")
    text = {"currency": currency}
    field = "currency"
    try:
        parse_rate_card(text)
        field = "prices"
        return parse_rate_card(text | {meter.value: price for meter, price in prices})
    except RateCardError as error:
        raise InvalidInputError(error.code, str(error), field=field) from None


async def _judge(change: Change, document: Document) -> None:
    stored = await load_stored(change.session, document.name)
    spec = TenantSpec.model_validate(document.raw["spec"])
    findings = await asyncio.to_thread(judge_spec, stored, spec)
    if findings:
        raise RejectedError(findings)


async def _replace_rate_card(change: Change, prices: dict[str, str]) -> None:
    session, tenant = change.session, change.tenant.tenant
    current = await find_rate_card(session, tenant, change.now)
    if current is not None and current.prices == prices:
        return
    if current is not None and current.effective_from == change.now:
        raise ConflictError("rate_card.too_soon", "another card was set in this very instant; try again")
    add_rate_card(session, tenant, prices, change.now, change.actor.key_id)
    await session.flush()
    change.record("rate_card.set", tenant, **prices)
