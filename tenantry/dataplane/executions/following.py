"""Following an execution that another process runs, until it has ended or stands still."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.engine.core.state import ENDED, ExecutionStatus

if TYPE_CHECKING:
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.journal.history import ExecutionSummary, History
    from tenantry.tenants.identity import TenantId

_FIRST_PAUSE_SECONDS: Final = 0.02
_LONGEST_PAUSE_SECONDS: Final = 0.5
_AT_REST: Final = ENDED | {ExecutionStatus.PAUSED}


async def follow(
    history: History, tenant: TenantId, execution_id: str, until: float, clock: Clock
) -> ExecutionSummary | None:
    """Looks again and again until the instant `until`, more and more seldom.

    Returns:
        The execution as it stands at last; `None` when there is none (yet).

    Raises:
        JournalUnavailableError: the database does not answer.
    """
    pause = _FIRST_PAUSE_SECONDS
    while True:
        summary = await history.find(tenant, execution_id)
        remaining = until - clock()
        if remaining <= 0 or (summary is not None and summary.status in _AT_REST):
            return summary
        await asyncio.sleep(min(pause, remaining))
        pause = min(_LONGEST_PAUSE_SECONDS, pause * 1.5)
