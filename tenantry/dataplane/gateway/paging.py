"""Pages of lists: how many items a request asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.dataplane.gateway import errors

if TYPE_CHECKING:
    from starlette.requests import Request

DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 100


def page_limit(request: Request) -> int:
    """The query parameter `limit`.

    Raises:
        RefusedError: 400.
    """
    text = request.query_params.get("limit", str(DEFAULT_PAGE))
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MAX_PAGE):  # noqa: PLR2004  (three digits suffice)
        raise errors.bad_query("limit", f"a whole number from 1 to {MAX_PAGE}")
    return int(text)
