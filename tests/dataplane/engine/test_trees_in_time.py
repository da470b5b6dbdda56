"""Generated trees while time passes: timeouts, deadlines, cancellation, conditions without a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis.strategies as st
from hypothesis import given, settings

from tenantry.dataplane.engine.core.decide import advance, decide
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    ForEachCompleted,
    GroupCompleted,
    TaskCompleted,
    TaskStarted,
    WorkflowCancelled,
    decode_events,
    encode_events,
)
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.state import ExecutionState, ExecutionStatus
from tests.support.lives import Life
from tests.support.trees import Trees, always, ended, without_value

if TYPE_CHECKING:
    from tenantry.language.plan.model import Plan

TREES = Trees(
    timeouts=st.none() | st.floats(0.5, 8.0),
    deadlines=st.floats(0.5, 8.0),
    conditions=st.sampled_from([None, None, None, always(True), always(False), without_value]),
)
DEADLINES = st.floats(0.5, 20.0)
worlds = st.integers(0, 10_000)


few = settings(max_examples=max(30, settings().max_examples // 2))
"""Trees cost more to make than to run."""


@few
@given(TREES.plans(), worlds, DEADLINES)
def test_every_execution_ends_in_time_and_all_that_was_done_is_undone_when_it_fails(
    plan: Plan, world: int, deadline_at: float
) -> None:
    life = Life(plan, world, deadline_at)
    life.live()
    state, done, undone = ExecutionState(plan, "id", "acme"), list[str](), list[str]()
    for event in decode_events(encode_events(life.history)):
        if isinstance(event, TaskCompleted | GroupCompleted | ForEachCompleted):
            activity = state.activities[event.task]
            itself = not event.task.endswith("~fallback") and activity.condition is not False
            done += [event.task] if activity.plan.compensate is not None and itself else []
        evolve(state, event)
        if isinstance(event, TaskStarted):
            assert event.at < state.activities[event.task].deadline_at
            if event.task.endswith("~compensate") and event.attempt == 1:
                undone.append(event.task.removesuffix("~compensate"))
    assert undone or life.now <= deadline_at
    assert undone == (done[::-1] if state.status is ExecutionStatus.FAILED else [])
    assert set(state.not_undone) <= set(undone)
    ours = life.state
    assert (state.status, state.output, state.failure) == (ours.status, ours.output, ours.failure)


@few
@given(TREES.plans(), worlds, DEADLINES, st.integers(0, 30))
def test_it_can_be_cancelled_at_every_moment_and_then_nothing_happens(
    plan: Plan, world: int, deadline_at: float, moments: int
) -> None:
    life = Life(plan, world, deadline_at)
    for _ in range(moments):
        if not life.state.ended:
            life.step()
    begun = [event for event in life.history if isinstance(event, TaskStarted)]
    if not life.state.ended:
        cancelled = WorkflowCancelled(at=life.now, actor="key")
        assert advance(life.state, cancelled, life.now) == [cancelled]
        assert life.state.status is ExecutionStatus.CANCELLED
    for start in begun:
        if start.task not in life.state.activities:
            late = ended(start, world, life.now)
            assert advance(life.state, late, life.now) == [late]
    assert decide(life.state, life.now + 100) is None


@few
@given(TREES.plans(), worlds, DEADLINES, st.integers(1, 4))
def test_decisions_in_parts_are_the_same_decisions(
    plan: Plan, world: int, deadline_at: float, most: int
) -> None:
    life = Life(plan, world, deadline_at)
    life.live()
    state = ExecutionState(plan, "id", "acme")
    outside = [life.history[0], *(event for event in life.history if is_from_outside(event))]
    history: list[AnyEvent] = []
    for event in outside:
        while len(history) < len(life.history) and life.history[len(history)] is not event:
            history += advance(state, None, life.history[len(history)].at, most=1)
        history += advance(state, event, event.at, most=most)
    while len(history) < len(life.history):
        history += advance(state, None, life.history[len(history)].at, most=most)
    assert history == life.history


def is_from_outside(event: AnyEvent) -> bool:
    """Whether it is how an attempt ended: those of value fallbacks and of wholes are decisions."""
    return (
        getattr(event, "attempt", 0) > 0
        and not hasattr(event, "not_before")
        and not hasattr(event, "waited_for")
    )
