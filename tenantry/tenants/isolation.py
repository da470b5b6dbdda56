"""Isolation: which tasks a tenant's workflows may name. Asked by validation and, again, at run time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATTERN: Final = re.compile(r"!?[A-Za-z0-9._*?-]{1,253}")


def check_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns, when each of them means something.

    Raises:
        ValueError: one holds characters no task name has, or the first one excludes although nothing was
            included before it.
    """
    for pattern in patterns:
        if _PATTERN.fullmatch(pattern) is None:
            raise ValueError(
                f"{pattern!r} is not a pattern of task names: use letters, digits, - . _ * ? and a leading !"
            )
    if patterns and patterns[0].startswith("!"):
        raise ValueError(
            f"the first pattern, {patterns[0]!r}, excludes from nothing: begin with '*' to include all"
        )
    return patterns


@dataclass(frozen=True, slots=True)
class TaskRefPolicy:
    """Decides over task names; made by `compile_task_ref_policy`."""

    rules: tuple[tuple[re.Pattern[str], bool], ...]

    def allows(self, name: str) -> bool:
        """Whether the tenant may use the task: the last matching pattern wins, no match refuses.

        A policy without patterns allows every name.
        """
        for matcher, allowed in self.rules:  # last pattern first
            if matcher.match(name):
                return allowed
        return not self.rules


def compile_task_ref_policy(patterns: Sequence[str]) -> TaskRefPolicy:
    """The policy of a tenant's `allowedTaskRefs`: globs, `!` excludes.

    Raises:
        ValueError: see `check_patterns`.
    """
    checked = check_patterns(tuple(patterns))
    return TaskRefPolicy(
        tuple(
            (re.compile(translate(pattern.removeprefix("!"))), not pattern.startswith("!"))
            for pattern in reversed(checked)
        )
    )
