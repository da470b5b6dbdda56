"""Durations as people write them in a tenant's spec: `500ms`, `30s`, `5m`, `2h`, `30d`, `7y`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

SECONDS_PER_DAY: Final = 86_400.0
SECONDS_PER_YEAR: Final = 365 * SECONDS_PER_DAY

_PATTERN: Final = r"^[0-9]{1,9}(ms|s|m|h|d|y)$"
_DURATION: Final = re.compile(r"([0-9]{1,9})(ms|s|m|h|d|y)")
_UNIT_SECONDS: Final = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": SECONDS_PER_DAY,
    "y": SECONDS_PER_YEAR,
}


def parse_duration(value: Any) -> float:
    """The seconds that a text such as `5m` means; a year has 365 days.

    Raises:
        ValueError: not a whole number followed by ms, s, m, h, d or y.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("not a duration: write a whole number and ms, s, m, h, d or y, such as 30s or 5m")
    return int(match[1]) * _UNIT_SECONDS[match[2]]


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": _PATTERN}),
]
"""A pydantic field that is written as a duration and read as seconds."""
