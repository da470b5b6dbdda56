"""The roots of paths: what a path may begin with, and what must follow. The parser checks every path here."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from tenantry.language.templates.errors import TemplateSyntaxError

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOTS: Final = ("input", "tasks", "forEach", "workflow", "execution", "tenant", "secrets")

PARENT: Final = "$parent"
"""After `forEach`: the loop around the innermost one."""

ROOT: Final = "$root"
"""After `forEach`: the outermost loop."""

INDEX: Final = "index"
"""After `forEach`: the position of the item, from 0."""

RESULTS: Final = ("outputs", "itemCount", "successCount", "failureCount", "itemResults")
"""After `tasks.<id>.forEach`: what became of the items of a step."""

_FIELD: Final = {"workflow": "name", "execution": "id", "tenant": "name"}
_TASK_FIELDS: Final = ("output", "status", "forEach")
_COUNTS: Final = RESULTS[1:4]


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
        case "forEach":
            _check_loop(path, places)
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
    if step == "forEach":
        result = path[2] if len(path) > 2 else ""  # noqa: PLR2004  (tasks.<id>.forEach.<result>)
        _check_name(result, RESULTS, places[min(3, len(path))], f"tasks.{path[0]}.forEach has")
        if result in _COUNTS:
            _check_end(path, 3, places)


def _check_loop(path: tuple[str | int, ...], places: Sequence[int]) -> None:
    at = 1 if path[:1] == (ROOT,) else next((i for i, step in enumerate(path) if step != PARENT), len(path))
    if at >= len(path) or isinstance(path[at], int) or path[at] in {PARENT, ROOT}:
        raise TemplateSyntaxError(
            "expected the name of an item or index: forEach.<itemVar>", places[min(at + 1, len(path))]
        )
    if path[at] == INDEX:
        _check_end(path, at + 1, places)


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
        raise TemplateSyntaxError("this has no fields", places[end + 1])
