"""Processes killed where they persist: the upstream sees each effect once, and callers get their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.reliability.killing import KillPoint, kill_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POINTS = (
    KillPoint("commit-1", "after", "good"),
    KillPoint("commit-3", "after", "good"),
    KillPoint("commit-4", "before", "gone"),
    KillPoint("bury-1", "after", "good", left=2),
    KillPoint("take_orphans-1", "after", "gone", left=3),
    KillPoint("disclaim-1", "before", "good", left=2),
    KillPoint("commit-2", "after", "gone", left=1),
    KillPoint("orders-1", "after", "cancelled", left=2),
    KillPoint("take-1", "after", "resumed", left=1),
    KillPoint("give_back-1", "before", "retried", left=1),
)


async def test_wherever_a_process_dies_that_runs_or_takes_over_every_effect_happens_once(
    make_migrated_database: Callable[[Path], str], tmp_path: Path
) -> None:
    verdict = await kill_at(POINTS, make_migrated_database, tmp_path)
    assert verdict.violations == []
    assert len(verdict.reached) >= 8, verdict.reached
