"""Requests: what both entry points read of one, bounded. The errors are HTTP's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.requests import Request

_BEARER: Final = re.compile(r"bearer +([\x21-\x7e]+)", re.IGNORECASE)
CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="tenantry"'}
"""The header of every 401."""
RETRY: Final = {"Retry-After": "1"}
"""The header of every 503: a database that recovers from a crash takes about that many seconds."""


def bearer_token(request: Request) -> str:
    """The token of the `Authorization` header.

    Raises:
        HTTPException: 401, there is none.
    """
    match = _BEARER.fullmatch(request.headers.get("authorization", "").strip())
    if match is None:
        raise HTTPException(401, "send Authorization: Bearer and an API key", headers=CHALLENGE)
    return match[1]


async def read_body(request: Request, *, content_types: frozenset[str], max_bytes: int) -> bytes:
    """The body, when it is of a type that is taken and not too large; a larger one is not read to its end.

    Raises:
        HTTPException: 415 or 413.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in content_types:
        raise HTTPException(415, f"send the body as {' or '.join(sorted(content_types))}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "send the body without a content encoding")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise HTTPException(413, f"the body is larger than {max_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
