"""The name an author probably meant: the "did you mean" of every finding."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_NAME: Final = 80  # difflib is quadratic in the length; nobody mistypes a longer name by a letter or two
_MAX_LISTED: Final = 8


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or nothing when none is close.

    Case and the separators `-` and `_` are looked past first: `task_ref` and `taskref` both mean `taskRef`.
    """
    if len(name) > _MAX_NAME:
        return None
    names = [candidate for candidate in known if len(candidate) <= _MAX_NAME]
    by_letters = {_letters(candidate): candidate for candidate in names}
    if (same := by_letters.get(_letters(name))) is not None:
        return same
    return next(iter(get_close_matches(name, names, n=1)), None)


def did_you_mean(near: str | None, known: Iterable[str] = ()) -> str:
    """A suggestion for a name that does not exist: the nearest one, else the few there are, else nothing."""
    if near is not None:
        return f'did you mean "{near}"?'
    names = sorted(islice(known, _MAX_LISTED + 1))
    return f"known here: {', '.join(names)}" if 0 < len(names) <= _MAX_LISTED else ""


def _letters(name: str) -> str:
    return name.replace("-", "").replace("_", "").casefold()
