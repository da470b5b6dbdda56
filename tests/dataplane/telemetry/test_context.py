"""W3C trace context: what is read, what is ignored, what is sent on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.dataplane.telemetry.context import (
    TraceContext,
    format_traceparent,
    parse_traceparent,
    received_traceparent,
    span_id_of,
    trace_id_of,
    traceparent_of,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
CALLERS = f"00-{TRACE}-{SPAN}-01"
EXECUTION = "019ca945-0a00-7316-9d6e-83367b976cd1"

hexadecimal = st.text("0123456789abcdef", min_size=16, max_size=16)
contexts = st.builds(
    TraceContext,
    st.tuples(hexadecimal, hexadecimal).map("".join).filter(lambda text: set(text) != {"0"}),
    hexadecimal.filter(lambda text: set(text) != {"0"}),
    st.booleans(),
)


@given(contexts)
def test_what_is_written_is_read_again(context: TraceContext) -> None:
    assert parse_traceparent(format_traceparent(context)) == context


@pytest.mark.parametrize(
    ("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("ff", True)]
)
def test_only_the_last_flag_says_that_somebody_records(flags: str, sampled: bool) -> None:  # noqa: FBT001  (a column)
    assert parse_traceparent(f"00-{TRACE}-{SPAN}-{flags}") == TraceContext(TRACE, SPAN, sampled)


@pytest.mark.parametrize("text", [f"cc-{TRACE}-{SPAN}-01", f"01-{TRACE}-{SPAN}-01-what the future brings"])
def test_of_a_later_version_what_is_known_is_read(text: str) -> None:
    assert parse_traceparent(text) == TraceContext(TRACE, SPAN, sampled=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"01-{TRACE}-{SPAN}-01.more",
        f"00-{TRACE}-{SPAN}-0",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"00-{TRACE}-{SPAN[:-1]}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"0x-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-0g",
        f"00_{TRACE}_{SPAN}_01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE[:-1]}\u0664-{SPAN}-01",
        "00-" * 10_000,
    ],
)
def test_what_is_malformed_counts_as_nothing(text: str) -> None:
    assert parse_traceparent(text) is None
    assert received_traceparent([text]) == ""


@given(st.text() | st.text("0f-", max_size=60))
def test_nothing_a_caller_sends_is_an_error(text: str) -> None:
    context = parse_traceparent(text)
    assert context is None or parse_traceparent(format_traceparent(context)) == context


def test_one_header_is_recorded_in_the_version_we_speak() -> None:
    assert received_traceparent([CALLERS]) == CALLERS
    assert received_traceparent([f" cc-{TRACE}-{SPAN}-03-x\t"]) == f"00-{TRACE}-{SPAN}-01"


def test_no_header_and_two_of_them_say_nothing() -> None:
    assert received_traceparent([]) == ""
    assert received_traceparent([CALLERS, CALLERS]) == ""


def test_an_execution_continues_its_callers_trace_or_begins_its_own() -> None:
    assert trace_id_of(EXECUTION, CALLERS) == TRACE
    assert trace_id_of(EXECUTION) == "019ca9450a0073169d6e83367b976cd1"


def test_every_span_has_an_id_of_its_own_and_always_the_same() -> None:
    spans = [
        span_id_of(EXECUTION, 1),
        span_id_of(EXECUTION, 2),
        span_id_of(EXECUTION, 1, "a"),
        span_id_of(EXECUTION, 1, "a", 1),
        span_id_of(EXECUTION, 1, "a", 2),
        span_id_of(EXECUTION, 2, "a", 1),
        span_id_of(EXECUTION, 1, "b", 1),
        span_id_of(EXECUTION.replace("1", "2"), 1, "a", 1),
    ]
    assert len(set(spans)) == len(spans)
    assert all(len(span) == 16 for span in spans)
    # Recorded: an executor of another version must find the ids that upstreams were told.
    assert spans[3] == "5c1dd9bb07db9242"


def test_an_attempt_tells_its_upstream_its_own_span_and_whether_anybody_records() -> None:
    span = span_id_of(EXECUTION, 2, "lines[3]", 1)
    told = traceparent_of(EXECUTION, CALLERS, 2, "lines[3]", 1)
    assert parse_traceparent(told) == TraceContext(TRACE, span, sampled=True)
    unsampled = traceparent_of(EXECUTION, CALLERS[:-1] + "0", 2, "lines[3]", 1)
    assert parse_traceparent(unsampled) == TraceContext(TRACE, span, sampled=False)
    own = traceparent_of(EXECUTION, "", 2, "lines[3]", 1)
    assert parse_traceparent(own) == TraceContext(trace_id_of(EXECUTION), span, sampled=True)
