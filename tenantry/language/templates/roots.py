"""The roots of paths: what a path may begin with, and what must follow. The parser checks every path here."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from tenantry.language.templates.errors import TemplateSyntaxError

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOTS: Final = ("input", "tasks", "workflow", "execution", "tenant", "secrets")

_FIELD: Final = {"workflow": "name", "execution": "id", "tenant": "name"}
_TASK_FIELDS: Final = ("output", "status")


def check_shape(root: str, path: tuple[str | int, ...], places: Sequence[int]) -> None:
    """Checks that a path names something every scope has a place for.

    Args:
        root: the first name.
        path: the steps after it.
        places: offset of the root, then of each step.

    Raises:
        TemplateSyntaxError: at the step that is wrong or where one is missing, with the nearest right name.
    """
    match root:
        case "input":
            return
        case "tasks":
            _check_task(path, places)
        case "secrets":
            if not path or isinstance(path[0], int):
                raise TemplateSyntaxError(
                    "expected the name of a secret: secrets.<NAME>", places[min(1, len(path))]
                )
            _check_end(path, 1, places)
        case "workflow" | "execution" | "tenant":
            _check_name(path[0] if path else "", (_FIELD[root],), places[min(1, len(path))], f"{root} has")
            _check_end(path, 1, places)
        case _:
            _check_name(root, ROOTS, places[0], "a path begins with")


def _check_task(path: tuple[str | int, ...], places: Sequence[int]) -> None:
    if not path or isinstance(path[0], int):
        raise TemplateSyntaxError("expected the id of a task: tasks.<id>.output", places[min(1, len(path))])
    step = path[1] if len(path) > 1 else ""
    _check_name(step, _TASK_FIELDS, places[min(2, len(path))], f"tasks.{path[0]} has")
    if step == "status":
        _check_end(path, 2, places)


def _check_name(name: str | int, known: tuple[str, ...], place: int, subject: str) -> None:
    if name in known:
        return
    nearest = get_close_matches(str(name), known, n=1)
    found = f", not '{name}'" if name != "" else ""
    raise TemplateSyntaxError(
        f"{subject} {_listed(known)}{found}", place, f"did you mean '{nearest[0]}'?" if nearest else ""
    )


def _listed(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _check_end(path: tuple[str | int, ...], end: int, places: Sequence[int]) -> None:
    if len(path) > end:
        raise TemplateSyntaxError("this is a text and has no fields", places[end + 1])
