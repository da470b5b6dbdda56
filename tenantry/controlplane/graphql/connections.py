"""Relay connections over natural keys: a cursor is the key of the last item seen, so pages never shift."""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import orjson
import strawberry

from tenantry.controlplane.services.errors import InvalidInputError
from tenantry.controlplane.services.pages import Page

NodeT = TypeVar("NodeT")
RowT = TypeVar("RowT")

_MAX_INT: Final = 2**31 - 1


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Where a page lies in its list; pages go forward only."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="An item of a list and the place where the list goes on behind it.")
class Edge(Generic[NodeT]):
    """An item of a list."""

    cursor: str
    node: NodeT


@strawberry.type(description="A page of a list.")
class Connection(Generic[NodeT]):
    """A page of a list."""

    edges: list[Edge[NodeT]]
    page_info: PageInfo


def to_connection(
    page: Page[RowT],
    to_node: Callable[[RowT], NodeT],
    key_of: Callable[[RowT], tuple[str | int, ...]],
    *,
    is_first: bool,
) -> Connection[NodeT]:
    """A page of rows as a connection."""
    edges = [Edge(cursor=_encode(key_of(row)), node=to_node(row)) for row in page.items]
    info = PageInfo(
        has_next_page=page.has_next,
        has_previous_page=not is_first,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=info)


def decode_cursor(cursor: str, *types: type[str | int]) -> tuple[str | int, ...]:
    """The key in a cursor that `to_connection` made, its parts of the given types.

    Raises:
        InvalidInputError: it is something else.
    """
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError):
        key = None
    if not isinstance(key, list) or len(key) != len(types) or not all(map(_is_part, key, types)):
        raise InvalidInputError("page.cursor", "that is not a cursor of this list", field="after")
    return tuple(key)


def _is_part(part: Any, wanted: type[str] | type[int]) -> bool:
    if isinstance(part, str):
        return wanted is str and "\0" not in part
    return type(part) is int and wanted is int and 0 <= part <= _MAX_INT


def _encode(key: tuple[str | int, ...]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode()
