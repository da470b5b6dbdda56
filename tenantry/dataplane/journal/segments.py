"""Segments of the journal, event by event.

A segment is decoded in two steps, a cheap one over the whole and one for each event, so that no single call
keeps the interpreter from others for long: a segment may have tens of thousands of events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tenantry.dataplane.engine.core.events import AnyEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tenantry.dataplane.journal.ownership import Segment

_RAW: Final = msgspec.json.Decoder(list[msgspec.Raw])
_EVENT: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)


def numbered(segments: Iterable[Segment]) -> Iterator[tuple[int, msgspec.Raw]]:
    """The events as they are stored, with their sequence numbers."""
    for segment in segments:
        yield from enumerate(_RAW.decode(segment.events), segment.first_sequence)


def decoded(segments: Iterable[Segment]) -> Iterator[AnyEvent]:
    """The events."""
    return (_EVENT.decode(raw) for _, raw in numbered(segments))
