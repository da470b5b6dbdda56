"""One HTTP/1.1 connection to an upstream: a request goes out, a bounded response comes back (RFC 9112).

On the request path of every call, so it is written for speed: llhttp parses, nothing is copied twice.
Measured against aiohttp in docs/decisions/0007-upstream-client.md.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import httptools

from tenantry.dataplane.tasks.http_client import (
    BadResponseError,
    ConnectionFailedError,
    HttpError,
    ResponseTooLargeError,
    TimedOutError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_HEAD_BYTES: Final = 64 * 1024
_FIRST_FINAL_STATUS: Final = 200


class RawResponse:
    """A response as it came over the wire: header names lower case, chunks of the body as received."""

    __slots__ = ("chunks", "headers", "status")

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []


class Connection(asyncio.Protocol):
    """At most one exchange at a time; anything unexpected ends the connection, never the next exchange.

    Attributes:
        idle_since: loop time of the last exchange's end.
        answered: whether a byte of the present exchange's response has come.
    """

    __slots__ = (
        "_body_bytes", "_field_bytes", "_head_bytes", "_headers_complete", "_is_head", "_limit", "_on_lost",
        "_parser", "_response", "_reusable", "_transport", "_waiting", "answered", "idle_since",
    )  # fmt: skip

    def __init__(self, on_lost: Callable[[Connection], None]) -> None:
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[RawResponse] | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._reusable = True
        self.answered = False
        self.idle_since = 0.0

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent."""
        return self._reusable and self._transport is not None and not self._transport.is_closing()

    async def exchange(
        self, head: bytes, body: bytes | None, *, is_head: bool, limit: int, timeout_seconds: float
    ) -> RawResponse:
        """Sends a request and waits for its response, whose body may have at most `limit` bytes.

        Raises:
            HttpError: one of its subclasses; the connection is then closed, as it is when this is cancelled.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ConnectionFailedError("the upstream closed the connection", sent=False)
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        self._response = RawResponse()
        self._parser = httptools.HttpResponseParser(self)
        self._is_head, self._limit = is_head, limit
        self._head_bytes = self._field_bytes = self._body_bytes = 0
        self._headers_complete = self.answered = False
        transport.write(head + body if body else head)
        timer = loop.call_later(timeout_seconds, self._time_out)
        try:
            return await self._waiting
        except asyncio.CancelledError:
            self._waiting = None
            self.abort()  # even when the response has just come: nobody will give the connection back
            raise
        finally:
            timer.cancel()

    def abort(self) -> None:
        """Closes at once; nothing that still arrives is read."""
        self._reusable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: it is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        if self._waiting is None or self._parser is None:
            self.abort()  # an answer nobody asked for must not become the next caller's
            return
        self.answered = True
        if not self._headers_complete:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(BadResponseError("the upstream switched protocols", sent=True))
        except httptools.HttpParserError as error:
            self._fail(BadResponseError(f"the upstream answered no valid HTTP: {error}", sent=True))
        if not self._headers_complete and self._head_bytes > MAX_HEAD_BYTES:
            self._fail(BadResponseError(f"the response's head has over {MAX_HEAD_BYTES} bytes", sent=True))

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: it is closed."""
        self._reusable = False
        self._on_lost(self)
        if self._waiting is None:
            return
        if error is None and self._headers_complete and self._ends_with_connection():
            self._complete()
        else:
            reason = getattr(error, "strerror", None) or "it was closed before the response was whole"
            self._fail(ConnectionFailedError(f"the connection broke: {reason}", sent=True))

    def on_message_begin(self) -> None:
        """httptools: a message starts."""
        if self._waiting is None:
            self._reusable = False  # more than one response to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one header field; repeated ones are joined as RFC 9110 section 5.3 says."""
        if self._waiting is None or self._headers_complete:
            return  # of a message nobody asked for, or a trailer
        self._field_bytes += len(name) + len(value)
        if self._field_bytes > MAX_HEAD_BYTES:
            self._fail(BadResponseError(f"the response's head has over {MAX_HEAD_BYTES} bytes", sent=True))
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers = self._response.headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        """httptools: the head is whole."""
        if self._waiting is None or self._parser is None:
            return
        status = self._parser.get_status_code()
        if status < _FIRST_FINAL_STATUS:
            self._response.headers.clear()  # 1xx announces; the answer is still to come
            return
        self._response.status = status
        self._headers_complete = True
        length = self._response.headers.get("content-length", "")
        coding = self._response.headers.get("transfer-encoding", "chunked").strip().lower()
        if coding != "chunked":
            self._fail(BadResponseError(f"Transfer-Encoding {coding[:40]!r} was not asked for", sent=True))
        elif self._is_head:
            self._reusable = False  # the parser would wait for the body a HEAD never gets
            self._complete()
        elif length.isdigit() and int(length) > self._limit:
            self._fail(
                ResponseTooLargeError(
                    f"the response has {length[:20]} bytes, over the limit of {self._limit}", sent=True
                )
            )

    def on_body(self, chunk: bytes) -> None:
        """httptools: a part of the body."""
        if self._waiting is None:
            return
        self._body_bytes += len(chunk)
        if self._body_bytes > self._limit:
            self._fail(ResponseTooLargeError(f"the response has over {self._limit} bytes", sent=True))
        else:
            self._response.chunks.append(chunk)

    def on_message_complete(self) -> None:
        """httptools: the message is whole."""
        if self._waiting is not None and self._headers_complete:
            self._complete()

    def _time_out(self) -> None:
        self._fail(TimedOutError("there was no whole answer in time", sent=True))

    def _ends_with_connection(self) -> bool:
        headers = self._response.headers
        return "content-length" not in headers and "transfer-encoding" not in headers

    def _complete(self) -> None:
        waiting, self._waiting = self._waiting, None
        if self._parser is None or not self._parser.should_keep_alive():
            self._reusable = False
        if waiting is not None and not waiting.done():
            waiting.set_result(self._response)

    def _fail(self, error: HttpError) -> None:
        waiting, self._waiting = self._waiting, None
        self.abort()
        if waiting is not None and not waiting.done():
            waiting.set_exception(error)
