"""Bounded decompression: the limit is enforced while decompressing, so a bomb is cut off, not expanded."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.tasks.http_client import BadResponseError, ResponseTooLargeError

if TYPE_CHECKING:
    from collections.abc import Sequence

ACCEPTED: Final = "gzip, deflate"
_GZIP_OR_ZLIB: Final = 47


def decompress(chunks: Sequence[bytes], encoding: str, limit: int) -> bytes:
    """The decoded body.

    Args:
        chunks: the body as received.
        encoding: `Content-Encoding`.
        limit: most bytes the result may have.

    Raises:
        ResponseTooLargeError: the result would exceed the limit.
        BadResponseError: an encoding we did not ask for, or damaged data.
    """
    if encoding in ("", "identity") or not chunks:
        return b"".join(chunks)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BadResponseError(f"Content-Encoding {encoding[:40]!r} was not asked for", sent=True)
    decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
    parts: list[bytes] = []
    room = limit + 1
    try:
        for chunk in chunks:
            part = decoder.decompress(chunk, room)
            room -= len(part)
            parts.append(part)
            if room <= 0:
                raise ResponseTooLargeError(f"the response decompresses to over {limit} bytes", sent=True)
    except zlib.error as error:
        raise BadResponseError(f"the {encoding} body is damaged: {error}", sent=True) from None
    if not decoder.eof:
        raise BadResponseError(f"the {encoding} body is cut short", sent=True)
    if decoder.unused_data:
        raise BadResponseError(f"the {encoding} body goes on after its end", sent=True)
    return b"".join(parts)
