"""Planting a mutant: the changed function's code takes the place of the original's in this process.

Whoever holds the function (an import, a table, a decorator's cache) then runs the changed code.
"""

from __future__ import annotations

import functools
import gc
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mutation.mutants import Mutant


def plant(mutant: Mutant, module_name: str) -> None:
    """Changes the function for the rest of this process.

    Raises:
        Exception: Whatever executing the changed module raises: then nobody could even import it.
    """
    fresh = types.ModuleType(module_name)
    code = compile(mutant.source, str(mutant.path), "exec", dont_inherit=True)
    exec(code, fresh.__dict__)  # noqa: S102 - our own module, one expression changed
    original = _find(sys.modules[module_name], mutant.function)
    changed = _find(fresh, mutant.function)
    original.__code__ = changed.__code__
    original.__defaults__ = _defaults(original.__defaults__, changed.__defaults__)
    if original.__kwdefaults__:
        new = changed.__kwdefaults__ or {}
        original.__kwdefaults__ = {
            name: _default(value, new.get(name)) for name, value in original.__kwdefaults__.items()
        }


def find_caches(package: str) -> list[Callable[[], None]]:
    """What empties each cached function of the package: an answer remembered would hide a mutant."""
    return [
        found.cache_clear
        for found in gc.get_objects()
        if isinstance(found, functools._lru_cache_wrapper)  # the type has no public name
        and found.__module__.startswith(package)
    ]


def _find(module: types.ModuleType, qualified: str) -> types.FunctionType:
    found: Any = module
    for name in qualified.split("."):
        found = vars(found)[name]
    return _unwrapped(found)


def _unwrapped(found: Any) -> types.FunctionType:
    while not isinstance(found, types.FunctionType):
        inner = (getattr(found, name, None) for name in ("__wrapped__", "fget", "func", "__func__"))
        found = next(function for function in inner if function is not None)
    return found


def _defaults(old: tuple[Any, ...] | None, new: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    return old and tuple(map(_default, old, new or old))


def _default(old: Any, new: Any) -> Any:
    # objects of the module's own classes stay: those of the fresh module are others
    return new if isinstance(new, str | int | float | None) else old
