"""Shortens values that are shown to people, at a cost that is bounded by what is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tenantry.language.values import Json

MAX_BYTES: Final = 4096
"""Of a value's JSON; a longer one is shown as the text it begins with."""

MARK: Final = "…"

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def shorten(value: Json, most_bytes: int = MAX_BYTES) -> tuple[Json, bool]:
    """The value, or the beginning of its JSON with a mark; and whether it was cut."""
    pieces: list[bytes] = []
    left = most_bytes
    # Piece by piece, so that what is not shown is not written either.
    for piece in _ENCODER.iterencode(value):
        pieces.append(piece[: left + 1].encode(errors="replace"))
        left -= len(pieces[-1])
        if left < 0:
            return b"".join(pieces)[:most_bytes].decode(errors="ignore") + MARK, True
    return value, False
