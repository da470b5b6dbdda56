"""The plans executions are pinned to, made again from their stored sources."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.bundles.plans import DefinitionBrokenError, plan_from_source
from tenantry.dataplane.engine.record import PlanSource

if TYPE_CHECKING:
    from tenantry.dataplane.journal.ownership import Ownership
    from tenantry.language.plan.model import Plan
    from tenantry.tenants.identity import TenantId

KEPT_PLANS: Final = 200


class PlanGoneError(Exception):
    """The plan of an execution is not stored any more, or cannot be compiled by this version of Tenantry."""


class PinnedPlans:
    """Plans by tenant and key, the latest used kept."""

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership
        self._kept: OrderedDict[tuple[TenantId, str], tuple[Plan, PlanSource]] = OrderedDict()

    async def get(self, tenant: TenantId, key: str) -> tuple[Plan, PlanSource]:
        """The plan and its source.

        Raises:
            PlanGoneError: it cannot be had.
            JournalUnavailableError: the database did not answer.
        """
        kept = self._kept.get((tenant, key))
        if kept is None:
            content = await self._ownership.source(tenant, key)
            if content is None:
                raise PlanGoneError(f"the plan {key} is not stored any more")
            try:
                plan = await asyncio.to_thread(plan_from_source, content)
            except DefinitionBrokenError as error:
                raise PlanGoneError(f"the plan {key} cannot be compiled: {error}") from error
            kept = self._kept[tenant, key] = (plan, PlanSource(key, content))
        self._kept.move_to_end((tenant, key))
        if len(self._kept) > KEPT_PLANS:
            self._kept.popitem(last=False)
        return kept
