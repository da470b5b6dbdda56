"""Usage events: what a data plane reports of each execution, as CloudEvents 1.0 in a JSON batch.

Invariant: (source, id) names an event for ever; the control plane counts it once however often it arrives.
"""

from __future__ import annotations

from typing import Final

import msgspec

BATCH_CONTENT_TYPE: Final = "application/cloudevents-batch+json"
EXECUTION_COMPLETED: Final = "io.workflow.execution.completed.v1"


class ExecutionUsage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one execution used, by meter.

    Attributes:
        status: how it ended: `completed`, `failed` or `cancelled`.
        task_attempts: attempts of tasks of every type, retries included.
        execution_seconds: from acceptance to the end.
        task_seconds: sum over all attempts.
        egress_bytes: request bytes sent to upstreams.
        journal_bytes: bytes of event data written.
    """

    tenant: str
    workflow: str
    version: int
    execution_id: str
    status: str
    labels: dict[str, str] = {}
    invocations: int = 1
    task_attempts: int = 0
    execution_seconds: float = 0.0
    task_seconds: float = 0.0
    egress_bytes: int = 0
    journal_bytes: int = 0


class UsageEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudEvents 1.0 envelope around an `ExecutionUsage`. `time` is RFC 3339, the execution's end."""

    id: str
    source: str
    subject: str
    time: str
    data: ExecutionUsage
    type: str = EXECUTION_COMPLETED
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


class UsageReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The control plane's answer to a batch: every event of it is now recorded, or was before."""

    accepted: int
    duplicates: int


def encode_batch(events: list[UsageEvent]) -> bytes:
    """The batch as JSON."""
    return msgspec.json.encode(events)


def decode_batch(data: bytes) -> list[UsageEvent]:
    """The batch, checked.

    Raises:
        msgspec.ValidationError: the text is not a batch of usage events.
    """
    return msgspec.json.decode(data, type=list[UsageEvent])
