"""The trace: who ran when, what it waited for, what ran beside it; read off an execution's events. Pure."""

from tenantry.dataplane.engine.core.trace.builder import TraceBuilder, trace
from tenantry.dataplane.engine.core.trace.model import (
    AttemptTrace,
    BlockTrace,
    Parallelism,
    PauseTrace,
    RecoveryTrace,
    RunTrace,
    TaskTrace,
    Trace,
)
from tenantry.dataplane.engine.core.trace.timeline import MAX_BESIDE

__all__ = [
    "MAX_BESIDE",
    "AttemptTrace",
    "BlockTrace",
    "Parallelism",
    "PauseTrace",
    "RecoveryTrace",
    "RunTrace",
    "TaskTrace",
    "Trace",
    "TraceBuilder",
    "trace",
]
