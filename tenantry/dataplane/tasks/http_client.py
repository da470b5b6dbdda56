"""The port of upstream calls: a request goes out, a bounded response or a typed error comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request ready to send.

    Attributes:
        url: percent-encoded already.
        timeout_seconds: for the whole exchange.
        repeatable: it may be sent again on a new connection when a kept one turns out to be closed.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    max_response_bytes: int
    timeout_seconds: float
    repeatable: bool


class HttpResponse(msgspec.Struct, frozen=True):
    """A whole response; `body` is decompressed, header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpError(Exception):
    """Base of what can go wrong with a call.

    `sent` tells whether the request may have reached the upstream.
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason, self.sent = reason, sent


class ConnectionFailedError(HttpError):
    """No connection, or it broke before the response was whole."""


class TimedOutError(HttpError):
    """The exchange took too long: it was not connected in time, or the response was not whole."""


class BadResponseError(HttpError):
    """The upstream answered something that is not HTTP as we accept it."""


class ResponseTooLargeError(HttpError):
    """The response exceeds its bound after decompression."""


class EgressDeniedError(HttpError):
    """The tenant may not reach that address."""


class BadRequestError(HttpError):
    """The request cannot be sent at all, such as an invalid URL."""


class HttpClient(Protocol):
    """Sends requests over pooled connections; never follows redirects, never keeps cookies."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Sends and reads the whole response.

        Raises:
            HttpError: one of its subclasses.
        """
        ...

    async def close(self) -> None:
        """Closes every connection."""
        ...
