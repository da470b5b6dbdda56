"""Completion callbacks: the address a caller names on execute, and what is sent there at the end.

The gateway parses the address, the journal's writer makes the body, `dataplane.callbacks` sends it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

MAX_URL_CHARACTERS: Final = 2048
_SCHEMES: Final = ("http", "https")

EndedAs: TypeAlias = Literal["completed", "failed", "cancelled"]


class CallbackStatus(StrEnum):
    """Where a callback stands: it is tried again while it is pending."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class CallbackUrlError(ValueError):
    """A text is no address for a callback; `reason` says why, and repeats nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CompletionData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which execution ended, how, and with what: `output` when it completed, `failure` when it failed."""

    execution_id: str
    tenant: str
    workflow: str
    version: int
    run: int
    status: EndedAs
    output: Any = msgspec.UNSET
    failure: Any = msgspec.UNSET


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a callback, in the form Standard Webhooks recommends. `timestamp` is the end itself."""

    type: str
    timestamp: datetime
    data: CompletionData


def completion_body(
    *,
    execution_id: str,
    tenant: str,
    workflow: str,
    version: int,
    run: int,
    status: EndedAs,
    ended_at: float,
    output: Any = None,
    failure: msgspec.Struct | None = None,
) -> str:
    """The JSON sent at the end of an execution; `status` decides which of output and failure is said.

    `run` is the start that ended: 1, and one more with every retry. `ended_at` is in epoch seconds.

    Raises:
        ValueError, TypeError, RecursionError: `output` is not JSON; journaled outputs are.
    """
    data = CompletionData(
        execution_id=execution_id,
        tenant=tenant,
        workflow=workflow,
        version=version,
        run=run,
        status=status,
        output=output if status == "completed" else msgspec.UNSET,
        failure=failure if status == "failed" else msgspec.UNSET,
    )
    end = datetime.fromtimestamp(ended_at, UTC)
    return msgspec.json.encode(Completion(type=f"execution.{status}", timestamp=end, data=data)).decode()


def parse_callback_url(text: str) -> str:
    """The address, as it was given.

    Raises:
        CallbackUrlError: not http or https, without a host, with credentials or a fragment, or not sendable.
    """
    if len(text) > MAX_URL_CHARACTERS:
        raise CallbackUrlError(f"it may have at most {MAX_URL_CHARACTERS} characters")
    if not all("!" <= character <= "~" for character in text):
        raise CallbackUrlError("percent-encode what is not a visible ASCII character")
    if "#" in text:
        raise CallbackUrlError("it must have no fragment")
    try:
        parts = urlsplit(text)
        port = parts.port
        host = (parts.hostname or "").encode("idna")
    except ValueError:
        raise CallbackUrlError("its host or port is invalid") from None
    if parts.scheme not in _SCHEMES or not host or port == 0:
        raise CallbackUrlError("it must begin with https:// or http:// and a host")
    if "@" in parts.netloc:
        raise CallbackUrlError("it must hold no credentials: the signature says who is calling")
    return text
