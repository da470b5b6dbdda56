"""Request bodies: bounded while they are read, then parsed by the one JSON parser."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.gateway import errors
from tenantry.language.values import JsonError, parse_json

if TYPE_CHECKING:
    from starlette.requests import Request

    from tenantry.language.values import Json

MAX_BODY_BYTES: Final = 1024 * 1024
BODY_SECONDS: Final = 10.0
"""How long a caller may take to send a body."""


async def read_body(request: Request) -> bytes:
    """The whole body of a request that says it is JSON.

    Raises:
        RefusedError: 400, 408, 413 or 415.
    """
    headers = request.headers
    content_type = headers.get("content-type")
    if content_type is not None and not _is_json(content_type):
        raise errors.wrong_content_type(content_type)
    encoding = headers.get("content-encoding")
    if encoding is not None and encoding.lower() != "identity":
        raise errors.wrong_content_type(f"Content-Encoding: {encoding}")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request)
    except TimeoutError:
        raise errors.body_too_slow(BODY_SECONDS) from None


def parse_body(data: bytes) -> Json:
    """The body as JSON; an empty one is an empty object.

    Raises:
        RefusedError: 400.
    """
    try:
        return parse_json(data) if data else {}
    except JsonError as error:
        raise errors.not_json(error.reason) from None


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


async def _read(request: Request) -> bytes:
    chunks: list[bytes] = []
    received, is_whole = 0, False
    while not is_whole:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise errors.not_json("the body ended before it was whole")
        chunk = message.get("body", b"")
        received += len(chunk)
        if received > MAX_BODY_BYTES:
            raise errors.too_large(MAX_BODY_BYTES)
        chunks.append(chunk)
        is_whole = not message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
