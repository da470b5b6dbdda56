"""Pages of lists: how many items a request asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.dataplane.gateway import errors

if TYPE_CHECKING:
    from starlette.requests import Request

DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 100


_MAX_AFTER: Final = 10**9


def page_limit(request: Request, default: int = DEFAULT_PAGE, most: int = MAX_PAGE) -> int:
    """The query parameter `limit`.

    Raises:
        RefusedError: 400.
    """
    return _whole_number(request, "limit", default, range(1, most + 1))


def page_after(request: Request) -> int:
    """The query parameter `after`: a `nextAfter` as it was given.

    Raises:
        RefusedError: 400.
    """
    return _whole_number(request, "after", 0, range(_MAX_AFTER + 1))


def _whole_number(request: Request, name: str, default: int, allowed: range) -> int:
    text = request.query_params.get(name, str(default))
    short = len(text) <= len(str(allowed[-1]))
    if not (text.isascii() and text.isdigit() and short and int(text) in allowed):
        raise errors.bad_query(name, f"a whole number from {allowed[0]} to {allowed[-1]}")
    return int(text)
