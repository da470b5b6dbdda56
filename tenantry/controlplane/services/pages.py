"""Pages: a bounded part of a list, and whether there is more behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from tenantry.controlplane.services.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PAGE: Final = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items in their order."""

    items: tuple[T, ...]
    has_next: bool


def check_page_size(first: int) -> int:
    """The number of rows to read for a page of `first`: one more, which tells whether there is another page.

    Raises:
        InvalidInputError: not between 1 and 100.
    """
    if not 1 <= first <= MAX_PAGE:
        raise InvalidInputError("page.size", f"first is between 1 and {MAX_PAGE}, not {first}", field="first")
    return first + 1


def to_page(rows: Sequence[T], first: int) -> Page[T]:
    """A page of rows of which `first + 1` were asked for."""
    return Page(items=tuple(rows[:first]), has_next=len(rows) > first)
