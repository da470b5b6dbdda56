from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.protocol.usage import ExecutionUsage, UsageError, UsageEvent, decode_batch, encode_batch
from tenantry.tenants.metering import Meter

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
COUNTS = st.integers(0, 2**63 - 1)
SECONDS = st.floats(0, 1e9)
EVENTS = st.builds(
    UsageEvent,
    id=NAMES,
    source=NAMES,
    subject=NAMES,
    time=st.datetimes(datetime(2020, 1, 1), datetime(2999, 1, 1)).map(  # noqa: DTZ001  the zone is added as text
        lambda moment: f"{moment.isoformat()}Z"
    ),
    data=st.builds(
        ExecutionUsage,
        tenant=NAMES,
        workflow=NAMES,
        version=COUNTS,
        execution_id=NAMES,
        status=st.sampled_from(["completed", "failed", "cancelled"]),
        labels=st.dictionaries(NAMES, NAMES, max_size=3),
        task_attempts=COUNTS,
        execution_seconds=SECONDS,
        task_seconds=SECONDS,
        egress_bytes=COUNTS,
        journal_bytes=COUNTS,
    ),
)


def event(**data: Any) -> dict[str, Any]:
    """An event as JSON, with the given members of its data replaced."""
    usage = {"tenant": "acme", "workflow": "w", "version": 1, "executionId": "e1", "status": "completed"}
    return {
        "specversion": "1.0",
        "type": "io.workflow.execution.completed.v1",
        "id": "e1",
        "source": "dp-1",
        "subject": "acme",
        "time": "2026-01-02T03:04:05.678Z",
        "data": usage | data,
    }


def batch(*events: dict[str, Any]) -> bytes:
    return msgspec.json.encode(list(events))


@given(st.lists(EVENTS, max_size=4))
def test_a_batch_arrives_as_it_was_sent(events: list[UsageEvent]) -> None:
    assert decode_batch(encode_batch(events)) == events


def test_an_event_is_a_cloud_event() -> None:
    (sent,) = msgspec.json.decode(encode_batch(decode_batch(batch(event()))))
    assert {"specversion", "id", "source", "type", "time", "datacontenttype"} <= set(sent)
    assert sent["specversion"] == "1.0"


def test_every_meter_is_a_field_of_the_usage() -> None:
    fields = {field.name for field in msgspec.structs.fields(ExecutionUsage)}
    assert {meter.value for meter in Meter} <= fields


def test_usage_gives_exact_quantities() -> None:
    (received,) = decode_batch(batch(event(taskAttempts=3, executionSeconds=0.1)))
    assert received.data.quantities() == {
        Meter.INVOCATIONS: Decimal(1),
        Meter.TASK_ATTEMPTS: Decimal(3),
        Meter.EXECUTION_SECONDS: Decimal("0.1"),
        Meter.TASK_SECONDS: Decimal(0),
        Meter.EGRESS_BYTES: Decimal(0),
        Meter.JOURNAL_BYTES: Decimal(0),
    }


@pytest.mark.parametrize(
    "data",
    [
        {"invocations": -1},
        {"executionSeconds": -0.001},
        {"executionSeconds": 1e300},
        {"egressBytes": 2**63},
        {"egressBytes": 1.5},
        {"status": "running"},
        {"tenant": ""},
        {"tenant": "a\0b"},
        {"workflow": "w" * 257},
        {"labels": {"team": "a\0b"}},
        {"labels": {f"l{number}": "" for number in range(65)}},
    ],
)
def test_usage_that_cannot_be_true_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="not a batch of usage events"):
        decode_batch(batch(event(), event(**data)))


@pytest.mark.parametrize(
    "envelope",
    [
        {"specversion": "0.3"},
        {"type": "io.workflow.execution.completed.v2"},
        {"id": ""},
        {"source": "s\0"},
        {"time": "yesterday"},
        {"time": "2026-02-30T00:00:00Z"},
        {"time": "2026-01-02T03:04:05"},
        {"time": "2026-01-02T03:04:05+02:00"},
    ],
)
def test_an_envelope_that_is_not_ours_is_refused(envelope: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="not a batch of usage events"):
        decode_batch(batch(event() | envelope))


@pytest.mark.parametrize(
    "text",
    [b"", b"[", b"{}", b"\xff", b"[" * 100_000, b'[{"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}]"],
)
def test_what_is_no_batch_is_refused(text: bytes) -> None:
    with pytest.raises(UsageError, match="not a batch of usage events"):
        decode_batch(text)
