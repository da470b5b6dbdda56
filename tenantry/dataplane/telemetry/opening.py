"""Opens what tells executions as spans, where somebody wants to hear of them. Called by the process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.telemetry.port import SpanSink

STOP_SECONDS: Final = 3.0
"""How long a stop waits for the collector to take what is left."""


@asynccontextmanager
async def open_spans(name: str, *, exported: bool) -> AsyncIterator[SpanSink | None]:
    """The sink of a data plane of that name; `None` where spans are not exported."""
    if not exported:
        yield None
        return
    # The SDK takes a fifth of a second and 17 MB to load: only who exports pays for it.
    from tenantry.dataplane.telemetry.export import SpanExport  # noqa: PLC0415

    export = SpanExport(name)
    export.start()
    try:
        yield export
    finally:
        await asyncio.to_thread(export.stop, STOP_SECONDS)
