"""Mutants: what mutmut would change in a module, one change at a time, and a sample of them.

mutmut's operators are used, not its runner: that collects the tests anew for every mutant, which costs more
here than the tests themselves, and it judges against caches that the unchanged code has filled.
"""

from __future__ import annotations

import difflib
import itertools
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import libcst
from mutmut.mutation.file_mutation import create_mutations

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# mutmut leaves decorated functions alone because its trampolines cannot replace them; planting can.
_TRANSPARENT: Final = re.compile(r"^( +|)@(property|cached_property|lru_cache\(.*\))$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One module with one change.

    Attributes:
        path: The module's file.
        function: The changed function, qualified: `parse` or `Reader.parse`.
        line: The first line that differs, counted from one.
        change: The lines that differ, `-` before the old and `+` before the new.
        source: The text of the whole module, changed.
    """

    path: Path
    function: str
    line: int
    change: str
    source: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    module: libcst.Module
    function: libcst.FunctionDef
    old: libcst.CSTNode
    new: libcst.CSTNode


def sample_mutants(paths: Iterable[Path], *, size: int, seed: int) -> tuple[int, list[Mutant]]:
    """How many mutants these files have, and `size` of them: one at random from each equal slice of the list.

    Slices make every package, file and function take part by its number of mutants.
    """
    candidates = [candidate for path in sorted(paths) for candidate in _candidates(path)]
    chosen = random.Random(seed)  # noqa: S311 - a sample that can be drawn again, nothing secret
    size = min(size, len(candidates))
    bounds = [round(index * len(candidates) / size) for index in range(size + 1)] if size else [0]
    picked = [chosen.randrange(low, high) for low, high in itertools.pairwise(bounds)]
    return len(candidates), [_make(candidates[index]) for index in picked]


def _candidates(path: Path) -> list[_Candidate]:
    # a blank line for a decorator keeps the numbers of the lines
    text = _TRANSPARENT.sub("", path.read_text(encoding="utf-8"))
    module, mutations, _, _ = create_mutations(str(path), text)
    return [
        _Candidate(
            path,
            module,
            mutation.contained_by_top_level_function,
            mutation.original_node,
            mutation.mutated_node,
        )
        for mutation in mutations
        if isinstance(mutation.contained_by_top_level_function, libcst.FunctionDef)
    ]


def _make(candidate: _Candidate) -> Mutant:
    changed = candidate.module.deep_replace(candidate.old, candidate.new)
    assert isinstance(changed, libcst.Module)
    before, after = candidate.module.code.splitlines(), changed.code.splitlines()
    line = next(
        (number for number, (old, new) in enumerate(zip(before, after, strict=False), 1) if old != new), 1
    )
    return Mutant(
        path=candidate.path,
        function=_qualified(candidate.module, candidate.function),
        line=line,
        change=_difference(before, after),
        source=changed.code,
    )


def _qualified(module: libcst.Module, function: libcst.FunctionDef) -> str:
    for statement in module.body:
        if isinstance(statement, libcst.ClassDef) and function in statement.body.body:
            return f"{statement.name.value}.{function.name.value}"
    return function.name.value


def _difference(before: Sequence[str], after: Sequence[str]) -> str:
    lines = difflib.unified_diff(before, after, n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))
