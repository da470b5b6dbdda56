"""Usage: events recorded once and summed, and what a tenant used and what that costs.

Invariant: the hourly sums are those of the recorded events; both are written by one statement.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tenantry.controlplane.services.access import require, transaction
from tenantry.controlplane.services.clock import check_instant
from tenantry.controlplane.services.errors import InvalidInputError, NotFoundError
from tenantry.controlplane.store.rate_cards import list_rate_cards
from tenantry.controlplane.store.tenants import existing_tenants, find_tenant
from tenantry.controlplane.store.usage import record_events, sum_by_workflow
from tenantry.protocol.usage import UsageReceipt
from tenantry.tenants.identity import is_tenant_name
from tenantry.tenants.metering import EXACT, Quantities, total
from tenantry.tenants.rate_card import DEFAULT_RATE_CARD, Money, RateCard, parse_rate_card
from tenantry.tenants.roles import Permission

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tenantry.controlplane.store.database import Database
    from tenantry.controlplane.store.usage import WorkflowSums
    from tenantry.protocol.usage import UsageEvent
    from tenantry.tenants.roles import Principal

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowUsage:
    """What a workflow used in a time, and its cost; one per currency, should a new card have changed that."""

    workflow: str
    quantities: Quantities
    cost: Money


class Usage:
    """The use cases around usage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, events: Sequence[UsageEvent]) -> UsageReceipt:
        """Records a data plane's events, each once however often it comes, and adds them to the sums.

        Events of a tenant that does not exist here are recorded all the same, at the platform's prices: what
        was used is not lost because a tenant was restored late.

        Raises:
            InvalidInputError: an event names what cannot be a tenant; nothing of the batch was recorded.
        """
        rows = await asyncio.to_thread(lambda: [_to_row(event) for event in events])
        tenants = {event.data.tenant for event in events}
        for tenant in tenants:
            if not is_tenant_name(tenant):
                raise InvalidInputError("usage.tenant", f"{tenant!r} is no tenant's name", field="tenant")
        async with self._database.platform() as session:
            accepted = await record_events(session, rows)
            unknown = tenants - await existing_tenants(session, tenants)
        if unknown:
            _LOG.warning("recorded usage of unknown tenants: %s", ", ".join(sorted(unknown)))
        return UsageReceipt(accepted=accepted, duplicates=len(rows) - accepted)

    async def summarize(
        self, actor: Principal, tenant: str, start: datetime, end: datetime
    ) -> tuple[WorkflowUsage, ...]:
        """What each workflow of the tenant used in the hours from `start` on and before `end`, by workflow.

        Usage is kept by the hour, so both are whole hours: what spans that meet used adds up.

        Raises:
            NotFoundError: there is no such tenant.
            InvalidInputError: one is not a whole hour in UTC, or the end is not after the start.
        """
        require(actor, Permission.READ_USAGE, tenant)
        start, end = _check_span(start, end)
        async with transaction(self._database, actor, tenant) as session:
            if await find_tenant(session, tenant) is None:
                raise NotFoundError("tenant", tenant, field="tenant")
            sums = await sum_by_workflow(session, tenant, start, end)
            cards = {row.effective_from: row.prices for row in await list_rate_cards(session, tenant)}
        return tuple(_priced(sums, cards))


def _to_row(event: UsageEvent) -> dict[str, Any]:
    data = event.data
    return {
        "tenant": data.tenant,
        "source": event.source,
        "id": event.id,
        "occurred_at": event.time,
        "workflow": data.workflow,
        "version": data.version,
        "execution_id": data.execution_id,
        "status": data.status,
        "labels": data.labels,
        **{meter.value: str(amount) for meter, amount in data.quantities().items()},
    }


def _check_span(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    start, end = _check_hour(start, "from"), _check_hour(end, "to")
    if end <= start:
        raise InvalidInputError("usage.span", "the end is not after the start", field="to")
    return start, end


def _check_hour(instant: datetime, field: str) -> datetime:
    instant = check_instant(instant, field)
    hour = instant.replace(minute=0, second=0, microsecond=0)
    if instant != hour:
        message = f"usage is kept by the hour: {field} is a whole hour in UTC, such as {hour:%Y-%m-%dT%H:%MZ}"
        raise InvalidInputError("usage.span", message, field=field)
    return hour


def _priced(
    sums: Iterable[WorkflowSums], cards: Mapping[datetime, Mapping[str, str]]
) -> Iterator[WorkflowUsage]:
    def card_of(part: WorkflowSums) -> RateCard:
        prices = cards.get(part.priced_from)
        return DEFAULT_RATE_CARD if prices is None else parse_rate_card(prices)

    def key(part: WorkflowSums) -> tuple[str, str]:
        return part.workflow, card_of(part).currency

    for (workflow, currency), group in groupby(sorted(sums, key=key), key=key):
        parts = list(group)
        amount = Decimal(0)
        for part in parts:
            amount = EXACT.add(amount, card_of(part).cost(part.quantities).amount)
        yield WorkflowUsage(
            workflow=workflow,
            quantities=total(part.quantities for part in parts),
            cost=Money(amount=amount, currency=currency),
        )
