"""Problems: errors on REST, as RFC 9457 `application/problem+json`, the same on both planes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

CONTENT_TYPE: Final = "application/problem+json"
TYPE_BASE: Final = "https://tenantry.dev/problems/"


class Source(StrEnum):
    """Whose fault it is."""

    CALLER = "caller"
    PLATFORM = "platform"
    UPSTREAM = "upstream"


class Problem(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What went wrong, for a program and for a person.

    Attributes:
        type: stable address: `TYPE_BASE` and the problem's code, such as `rate-limited`.
        title: the same for every problem of the type.
        status: the HTTP status it travels under.
        detail: this occurrence, in a sentence that says what to do.
        violations: `{pointer, message}` of every way the input fails its schema.
        policies: names of the limit policies that refused; `violated-policies` on the wire, as
            draft-ietf-httpapi-ratelimit-headers-10 calls it.
        extra: nothing secret, nothing of another tenant.
    """

    type: str
    title: str
    status: int
    source: Source
    detail: str = ""
    execution_id: str = ""
    task_id: str = ""
    violations: tuple[dict[str, str], ...] = ()
    policies: tuple[str, ...] = msgspec.field(default=(), name="violated-policies")
    extra: dict[str, Any] = {}


def problem(
    code: str, title: str, status: int, detail: str = "", *, source: Source = Source.CALLER, **fields: Any
) -> Problem:
    """A problem of the given code; the caller's fault unless said otherwise."""
    return Problem(type=TYPE_BASE + code, title=title, status=status, detail=detail, source=source, **fields)
