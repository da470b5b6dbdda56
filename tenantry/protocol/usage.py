"""Usage events: what a data plane reports of each execution, as CloudEvents 1.0 in a JSON batch.

Invariant: (source, id) names an event for ever; the control plane counts it once however often it arrives.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from tenantry.tenants.metering import Meter, Quantities, quantity

BATCH_CONTENT_TYPE: Final = "application/cloudevents-batch+json"
EXECUTION_COMPLETED: Final = "io.workflow.execution.completed.v1"

# Bounded and without U+0000, which PostgreSQL's text refuses: one bad event must not fail its batch later on.
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"\A[^\0]*\Z")]
Label = Annotated[str, msgspec.Meta(max_length=256, pattern=r"\A[^\0]*\Z")]
Labels = Annotated[dict[Name, Label], msgspec.Meta(max_length=64)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Timestamp = Annotated[
    str, msgspec.Meta(pattern=r"\A2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00)\Z")
]


class UsageError(msgspec.ValidationError):
    """A text is not a batch of usage events within our bounds."""


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

    tenant: Name
    workflow: Name
    version: Count
    execution_id: Name
    status: Literal["completed", "failed", "cancelled"]
    labels: Labels = {}
    invocations: Count = 1
    task_attempts: Count = 0
    execution_seconds: Seconds = 0.0
    task_seconds: Seconds = 0.0
    egress_bytes: Count = 0
    journal_bytes: Count = 0

    def quantities(self) -> Quantities:
        """What was used, by meter, as exact decimals: what a rate card prices."""
        return {meter: quantity(getattr(self, meter.value)) for meter in Meter}


class UsageEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudEvents 1.0 envelope around an `ExecutionUsage`; `time` is its end, RFC 3339 in UTC."""

    id: Name
    source: Name
    subject: Name
    time: Timestamp
    data: ExecutionUsage
    type: Literal["io.workflow.execution.completed.v1"] = EXECUTION_COMPLETED
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: Literal["application/json"] = "application/json"


class UsageReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The control plane's answer to a batch: `accepted` are recorded now, `duplicates` were before."""

    accepted: int
    duplicates: int


def encode_batch(events: list[UsageEvent]) -> bytes:
    """The batch as JSON."""
    return msgspec.json.encode(events)


def decode_batch(data: bytes) -> list[UsageEvent]:
    """The batch, checked.

    Raises:
        UsageError: the text is not JSON, or not a batch of usage events.
    """
    try:
        events = msgspec.json.decode(data, type=list[UsageEvent])
        for event in events:
            datetime.fromisoformat(event.time)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not a batch of usage events: {error}") from None
    return events
