"""Execution ids: UUIDv7 (RFC 9562), so that ids order by time and an index on them pages through history."""

from __future__ import annotations

import os
import re
import uuid
from typing import Final

_CANONICAL: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_VERSION: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62
_RANDOM_MASK: Final = (0xFFF << 64) | ((1 << 62) - 1)


def new_execution_id(now: float) -> str:
    """A new id for an execution accepted at `now` (epoch seconds)."""
    milliseconds = int(now * 1000) & ((1 << 48) - 1)
    random = int.from_bytes(os.urandom(10)) & _RANDOM_MASK
    digits = (
        f"{milliseconds << 80 | _VERSION | _VARIANT | random:032x}"  # on the request path: `UUID` is slow
    )
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def first_execution_id(at: float) -> str:
    """No execution accepted at `at` (epoch seconds) or later has a lower id."""
    milliseconds = min(max(0, int(at * 1000)), (1 << 48) - 1)
    return str(uuid.UUID(int=milliseconds << 80))


def parse_execution_id(text: str) -> str | None:
    """The id in its canonical form, or `None` when the text is not one."""
    return text.lower() if _CANONICAL.fullmatch(text) else None
