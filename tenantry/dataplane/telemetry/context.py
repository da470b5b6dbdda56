"""W3C trace context: read from callers, sent to upstreams. Pure; ids are the same whoever works them out.

An execution continues its caller's trace, or begins one whose id is its own. The ids of its spans follow from
what they are of: who takes an execution over, and who exports the spans later, need to remember nothing.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

TRACEPARENT: Final = "traceparent"
"""The header's name."""

_HEADER: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL
)
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_SAMPLED: Final = 1


class TraceContext(NamedTuple):
    """A span's trace (32 hex digits), an id of its own or of the one above (16), whether it is recorded."""

    trace_id: str
    span_id: str
    sampled: bool


def parse_traceparent(text: str) -> TraceContext | None:
    """Reads a `traceparent`; what is not one counts as none at all (W3C Trace Context, 3.2.2 and 4.3).

    Of a version to come, what this one knows is read.
    """
    match = _HEADER.fullmatch(text)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if (more and version == "00") or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def received_traceparent(values: Sequence[str]) -> str:
    """The `traceparent` of a request as it is recorded, from all its headers of that name; empty for none.

    Two of them say nothing: nobody knows which one is meant.
    """
    context = parse_traceparent(values[0].strip(" \t")) if len(values) == 1 else None
    return "" if context is None else format_traceparent(context)


def unrecorded_traceparent(execution_id: str, traceparent: str) -> str:
    """What is recorded of an execution whose spans nobody is told: its caller's context, or its own alone."""
    return f"{traceparent[:53] or f'00-{trace_id_of(execution_id)}-{_NO_SPAN}-'}00"


def is_recorded(traceparent: str) -> bool:
    """Whether the spans of an execution of this context are told."""
    return not traceparent or traceparent.endswith("01")


def format_traceparent(context: TraceContext) -> str:
    """The context as a header's value, version 00."""
    return f"00-{context.trace_id}-{context.span_id}-{'01' if context.sampled else '00'}"


def trace_id_of(execution_id: str, traceparent: str = "") -> str:
    """The trace of an execution: its caller's, or one that is named like the execution itself."""
    return traceparent[3:35] if traceparent else execution_id.replace("-", "")


def span_id_of(execution_id: str, run: int, path: str = "", attempt: int = 0) -> str:
    """The span of an execution's run, of a task at `path` in it, or of an attempt at that task."""
    name = f"{execution_id}/{run}/{path}#{attempt}"
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()


def traceparent_of(execution_id: str, traceparent: str, run: int, path: str, attempt: int) -> str:
    """What an attempt's request carries.

    Args:
        execution_id: of the execution.
        traceparent: its caller's, as `received_traceparent` gave it.
        run: of the execution, from 1.
        path: of the task.
        attempt: from 1.
    """
    flags = traceparent[53:] if traceparent else "01"
    span_id = span_id_of(execution_id, run, path, attempt)
    return f"00-{trace_id_of(execution_id, traceparent)}-{span_id}-{flags}"
