"""Query parameters that are true or false."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.dataplane.gateway import errors

if TYPE_CHECKING:
    from starlette.requests import Request


def query_flag(request: Request, name: str) -> bool:
    """The query parameter of that name; without it, no.

    Raises:
        RefusedError: 400.
    """
    text = request.query_params.get(name, "false")
    if text not in {"true", "false"}:
        raise errors.bad_query(name, "true or false")
    return text == "true"
