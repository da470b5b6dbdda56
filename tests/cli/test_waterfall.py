from __future__ import annotations

import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tenantry.cli.waterfall import WIDTH, draw_waterfall


def draw(trace: dict[str, Any]) -> list[str]:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(draw_waterfall(trace))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_bars_lie_on_the_time_axis_of_the_execution() -> None:
    half = WIDTH // 2
    lines = draw(
        {
            "durationSeconds": 0.02,
            "tasks": [
                {
                    "id": "user",
                    "status": "completed",
                    "endSeconds": 0.01,
                    "durationSeconds": 0.01,
                    "attempts": [{}],
                },
                {
                    "id": "orders",
                    "status": "failed",
                    "startSeconds": 0.01,
                    "endSeconds": 0.02,
                    "durationSeconds": 0.01,
                    "attempts": [{}, {}],
                    "waitedFor": ["user"],
                },
                {"id": "mail", "status": "skipped", "waitedFor": ["user", "orders"]},
            ],
        }
    )
    assert "20.0 ms" in lines[0]
    assert lines[1].split() == ["user", "completed", "█" * half, "10.0", "ms"]
    assert f"failed (2 attempts)  {' ' * half}{'█' * half}  10.0 ms  user" in lines[2]
    assert "█" not in lines[3]
    assert lines[3].endswith("user, orders")


def test_a_task_that_was_still_running_reaches_to_the_end() -> None:
    lines = draw(
        {"durationSeconds": 1.0, "tasks": [{"id": "slow", "status": "cancelled", "startSeconds": 0.5}]}
    )
    assert lines[1].count("█") == WIDTH // 2


def test_the_pauses_between_attempts_are_lighter() -> None:
    attempts = [
        {"startSeconds": 0.0, "endSeconds": 0.25, "retryDelaySeconds": 0.5},
        {"startSeconds": 0.75, "endSeconds": 1.0},
    ]
    task = {"id": "a", "status": "completed", "startSeconds": 0.0, "endSeconds": 1.0, "attempts": attempts}
    line = draw({"durationSeconds": 1.0, "tasks": [task]})[1]
    quarter = WIDTH // 4
    assert "█" * quarter + "░" * 2 * quarter + "█" * quarter in line
    assert "completed (2 attempts)" in line


def test_a_task_that_waited_for_room_says_for_how_long() -> None:
    blocked = [
        {"limit": "workflow", "startSeconds": 0.1, "endSeconds": 0.3},
        {"limit": "loop", "startSeconds": 0.0, "endSeconds": 0.1},
    ]
    task = {"id": "b", "status": "completed", "startSeconds": 0.3, "waitedFor": ["a"], "blocked": blocked}
    lines = draw({"durationSeconds": 1.0, "tasks": [task, {**task, "blocked": blocked[1:]}]})
    assert lines[1].endswith("a, room (200.0 ms)")
    assert lines[2].endswith("  a")


def test_tasks_of_a_later_run_say_so() -> None:
    tasks = [{"id": "a", "status": "failed"}, {"id": "a", "status": "completed", "run": 2}]
    lines = draw({"durationSeconds": 1.0, "tasks": tasks})
    assert (lines[1].split()[0:2], lines[2].startswith("a (run 2)")) == (["a", "failed"], True)


@given(
    duration=st.floats(min_value=0, max_value=3600),
    start=st.floats(min_value=0, max_value=3600),
    end=st.floats(min_value=0, max_value=4000),
)
def test_every_task_that_ran_has_a_bar_that_fits(duration: float, start: float, end: float) -> None:
    task = {"id": "a", "status": "completed", "startSeconds": start, "endSeconds": max(start, end)}
    line = draw({"durationSeconds": duration, "tasks": [task]})[1]
    assert 1 <= line.count("█") <= WIDTH
