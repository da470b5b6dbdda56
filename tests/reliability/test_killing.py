"""Processes killed at their commits: the upstream sees each effect once, and callers get their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.reliability.killing import KillPoint, kill_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POINTS = (
    KillPoint(1, "after", "good"),
    KillPoint(2, "before", "good"),
    KillPoint(3, "after", "good"),
    KillPoint(4, "before", "gone"),
    KillPoint(5, "after", "gone"),
)


async def test_whichever_commit_a_process_dies_at_every_effect_happens_once(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    verdict = await kill_at(POINTS, make_database(), tmp_path)
    assert verdict.violations == []
    assert verdict.kills >= 3
