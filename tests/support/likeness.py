"""What an execution's state is, written down: two states that will behave alike are written alike.

Everything in it is, whatever attributes it has or will have, but for values kept only to save time. States
can be compared when their plan is the same object.
"""

from __future__ import annotations

from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from tenantry.dataplane.engine.core.activity import Activity, Group, Loop
from tenantry.dataplane.engine.core.state import ExecutionState, Undo
from tenantry.language.templates.scope import Layer, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    Seen = dict[int, int]

_LEFT_OUT = frozenset({"plan", "step", "prepared"})
"""What is given, and what is kept only to save time."""

_NUMBERED = frozenset({Activity, Group, Loop, Scope, Layer})
"""Written where they are first met, and numbered there: order says which is meant later."""


def likeness(state: ExecutionState) -> Hashable:
    """The state as nested tuples."""
    written: Hashable = _write(state, {})
    return written


def _write(value: Any, seen: Seen) -> Any:
    kind = type(value)
    if kind in _NUMBERED:
        if (number := seen.get(id(value))) is not None:
            return (number,)
        seen[id(value)] = len(seen)
    writer = _WRITERS.get(kind)
    if writer is not None:
        return writer(value, seen)
    if isinstance(value, msgspec.Struct):
        return kind.__name__, msgspec.json.encode(value)
    # Atoms; and parts of the plan, which are the same objects in all states that are compared.
    return value if value.__hash__ is not None and not hasattr(value, "__dataclass_fields__") else id(value)


def _attributes(kind: type) -> Callable[[Any, Seen], Any]:
    names: tuple[str, ...] = getattr(kind, "__struct_fields__", None) or kind.__slots__  # type: ignore[attr-defined]
    get = attrgetter(*sorted(set(names) - _LEFT_OUT))
    return lambda value, seen: (kind.__name__, *(_write(one, seen) for one in get(value)))


def _write_dict(value: dict[Any, Any], seen: Seen) -> Any:
    return "dict", *((name, _write(one, seen)) for name, one in value.items())


_WRITERS: dict[type, Callable[[Any, Seen], Any]] = {
    **{kind: _attributes(kind) for kind in (ExecutionState, Activity, Group, Loop, Scope)},
    Layer: lambda value, seen: ("Layer", _write_dict(value, seen), _write(value.outer, seen)),
    Undo: lambda value, seen: ("Undo", value.path, _write(value.scope, seen)),
    dict: _write_dict,
    **{
        kind: lambda value, seen: ("list", *(_write(one, seen) for one in value))
        for kind in (list, deque, tuple)
    },
}
