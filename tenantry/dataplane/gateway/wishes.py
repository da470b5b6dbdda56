"""What a request to execute asks for beside its input: an idempotency key, how long to wait, whom to tell.

`Idempotency-Key` as draft-ietf-httpapi-idempotency-key-header, `Prefer` as RFC 7240, `Callback-Url` our own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.gateway import errors
from tenantry.dataplane.telemetry.context import received_traceparent
from tenantry.protocol.callbacks import CallbackUrlError, parse_callback_url

if TYPE_CHECKING:
    from starlette.datastructures import Headers

MAX_KEY_CHARACTERS: Final = 255
_KEY: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_PREFERENCE: Final = re.compile(
    r"""\s*(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<value>[^\s;,"]+)))?"""
)
_SECONDS: Final = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a caller wants its request to be handled.

    Attributes:
        key: its name for the request; empty for none.
        wait_seconds: how long it wants to wait for the end; 0 for not at all, `None` for as long as it takes.
        applied: the value of `Preference-Applied`; empty when it prefers nothing.
        callback: where the end is to be told; empty for nowhere.
        traceparent: its trace context; empty for none.
    """

    key: str = ""
    wait_seconds: float | None = None
    applied: str = ""
    callback: str = ""
    traceparent: str = ""


_NONE: Final = Wishes()
_HEADERS: Final = frozenset({b"idempotency-key", b"prefer", b"callback-url", b"traceparent"})


def parse_wishes(headers: Headers) -> Wishes:
    """Reads the headers.

    Raises:
        RefusedError: 400.
    """
    if not any(name in _HEADERS for name, _ in headers.raw):
        return _NONE
    wait_seconds, applied = _parse_prefer(", ".join(headers.getlist("prefer")))
    return Wishes(
        key=_parse_key(headers.getlist("idempotency-key")),
        wait_seconds=wait_seconds,
        applied=applied,
        callback=_parse_callback(headers.getlist("callback-url")),
        traceparent=received_traceparent(headers.getlist("traceparent")),
    )


def _parse_key(values: list[str]) -> str:
    """The key, with or without the quotes of a structured field."""
    if not values:
        return ""
    key = values[0].strip()
    if len(key) > 1 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if len(values) > 1 or len(key) > MAX_KEY_CHARACTERS or _KEY.fullmatch(key) is None:
        raise errors.bad_header(
            "invalid-idempotency-key",
            "Invalid idempotency key",
            f"Idempotency-Key: send one, of 1 to {MAX_KEY_CHARACTERS} ASCII characters, such as a UUID",
        )
    return key


def _parse_prefer(text: str) -> tuple[float | None, str]:
    """How long to wait, and what of the preferences that is. Others, and unreadable ones, are ignored."""
    wait_seconds: float | None = None
    applied = ""
    for preference in text.split(","):
        match = _PREFERENCE.match(preference)
        if match is None:
            continue
        name, value = match["name"].lower(), match["quoted"] or match["value"] or ""
        if name == "respond-async" and wait_seconds is None:
            wait_seconds, applied = 0.0, "respond-async"
        elif name == "wait" and _SECONDS.fullmatch(value) and "wait" not in applied:
            wait_seconds, applied = float(value), f"wait={value}"  # with respond-async: wait, then 202
    return wait_seconds, applied


def _parse_callback(values: list[str]) -> str:
    if not values:
        return ""
    try:
        if len(values) > 1:
            raise CallbackUrlError("send it once")  # noqa: TRY301  (refused like everything else)
        return parse_callback_url(values[0].strip())
    except CallbackUrlError as error:
        raise errors.invalid_callback(error.reason) from None
