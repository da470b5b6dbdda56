"""When two JSON values are equal: 1 is 1.0 and not true, wherever it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from tenantry.language.values import Json


def identity(value: Json) -> Hashable:
    """Something hashable that is equal for equal values, and for no others."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, list):
        return tuple(map(identity, value))
    if isinstance(value, dict):
        return frozenset((name, identity(item)) for name, item in value.items())
    return value


def are_distinct(values: Iterable[Json]) -> bool:
    """Whether no two values are equal."""
    seen = [identity(value) for value in values]
    return len(set(seen)) == len(seen)
