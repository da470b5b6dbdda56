"""Generated trees that are paused, resumed, cancelled, failed, retried and taken over at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis.strategies as st
from hypothesis import given, settings

from tenantry.dataplane.engine.core.activity import Phase
from tenantry.dataplane.engine.core.decide import decide
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    DeadLetterReason,
    Failure,
    FailureCode,
    TaskCompleted,
    TaskStarted,
    WorkflowResumed,
)
from tenantry.dataplane.engine.core.snapshot import snapshot
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.language.plan.model import CallPlan
from tests.support.likeness import likeness
from tests.support.lives import Life, fold, waits_for_nothing
from tests.support.plans import transform
from tests.support.stages import instants
from tests.support.trees import REPEATABLE_TASKS, TASKS, Trees, always, without_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.engine.core.state import ExecutionState
    from tenantry.language.plan.model import Plan

BROKEN = Failure(code=FailureCode.INTERNAL, message="it broke")
ACTS: dict[str, Callable[[Life], None]] = {
    "pause": Life.pause,
    "resume": Life.resume,
    "cancel": Life.cancel,
    "crash": Life.crash,
    "turn back the clock": lambda life: life.crash(-1.0),
    "fail": lambda life: life.fail(BROKEN),
    "retry": Life.retry,
    "go on": lambda life: life.step() if life.in_flight or life.goes_on else None,
}
HARSH = Trees(
    timeouts=st.none() | st.floats(0.5, 8.0),
    deadlines=st.floats(0.5, 8.0),
    conditions=st.sampled_from([None, None, None, always(True), always(False), without_value]),
    tasks=(*TASKS, *REPEATABLE_TASKS),
)
acts = st.lists(st.sampled_from([*ACTS, "go on", "go on", "go on", "crash"]), max_size=25)
worlds = st.integers(0, 10_000)
few = settings(max_examples=max(30, settings().max_examples // 2))
"""Trees cost more to make than to run."""


@few
@given(HARSH.plans(), worlds, st.floats(1.0, 20.0), acts)
def test_whatever_is_done_to_it_in_whatever_order_it_is_what_its_journal_says_and_goes_on(
    plan: Plan, world: int, deadline_at: float, wishes: list[str]
) -> None:
    life = Life(plan, world, deadline_at)
    for wish in wishes:
        ACTS[wish](life)
        assert_it_is_what_its_journal_says(life)
        assert_attempts_are_counted(life.state)
        assert not waits_for_nothing(life.state, life.in_flight, life.now)
        snapshot(life.state)
    life.live()
    assert_it_is_what_its_journal_says(life)


def assert_it_is_what_its_journal_says(life: Life) -> None:
    folded = fold(life.plan, life.history)
    assert likeness(folded) == likeness(life.state)
    assert decide(folded, life.now) is None


def assert_attempts_are_counted(state: ExecutionState) -> None:
    running = [one for one in state.activities.values() if one.phase is Phase.RUNNING]
    attempts = [one for one in running if isinstance(one.body, CallPlan) and one.owner is not None]
    assert state.root.running == len(attempts) <= state.plan.max_parallel
    assert state.root.unsafe == sum(not one.body.task.safe for one in attempts)


@few
@given(Trees(tasks=(transform,)).plans(), worlds, st.data())
def test_an_execution_whose_executor_dies_comes_to_what_it_would_have_come_to(
    plan: Plan, world: int, data: st.DataObject
) -> None:
    undisturbed = Life(plan, world).live()
    for at in some_of(undisturbed.history, data):
        life = crashed_at(at, undisturbed)
        assert_they_came_to_the_same(life, undisturbed)


@few
@given(Trees(tasks=(*TASKS, *REPEATABLE_TASKS)).plans(), worlds, st.data())
def test_it_comes_to_the_same_or_somebody_is_told_of_an_unknown_outcome(
    plan: Plan, world: int, data: st.DataObject
) -> None:
    undisturbed = Life(plan, world).live()
    for at in some_of(undisturbed.history, data):
        life = crashed_at(at, undisturbed)
        if DeadLetterReason.OUTCOME_UNKNOWN not in life.state.lettered.values():
            assert_they_came_to_the_same(life, undisturbed)


def crashed_at(at: int, undisturbed: Life) -> Life:
    """What becomes of it when no more than so many events are journaled when its executor dies."""
    life = Life.from_journal(undisturbed.plan, undisturbed.world, undisturbed.history[:at])
    life.crash()
    return life.live()


@few
@given(Trees().plans(), worlds, st.data())
def test_an_execution_that_was_paused_comes_to_what_it_would_have_come_to(
    plan: Plan, world: int, data: st.DataObject
) -> None:
    undisturbed = Life(plan, world).live()
    pauses = data.draw(st.sets(st.integers(0, 30), max_size=5))
    life = Life(plan, world)
    moment = 0
    while not life.state.ended:
        if moment in pauses:
            pause_for_a_while(life, crash=moment % 2 == 0)
        life.step()
        moment += 1
    assert_they_came_to_the_same(life, undisturbed)


def pause_for_a_while(life: Life, *, crash: bool) -> None:
    """What is in flight ends, an executor may come to an end, and nothing begins."""
    life.pause()
    if life.state.status is ExecutionStatus.COMPENSATING:
        return
    since, before = life.now, len(life.history)
    while life.in_flight:
        life.step()
    if crash:
        life.crash()
    assert not any(isinstance(event, TaskStarted) for event in life.history[before:])
    life.now += 100.0
    resumed = fold(life.plan, [*life.history, WorkflowResumed(at=life.now, actor="key")])
    postponed = {name: at + (life.now - since) for name, at in instants(life.state).items()}
    assert instants(resumed) == postponed
    life.resume()


@few
@given(Trees().plans(), worlds, st.data())
def test_an_execution_that_was_cancelled_and_is_retried_comes_to_what_it_would_have_come_to(
    plan: Plan, world: int, data: st.DataObject
) -> None:
    undisturbed = Life(plan, world).live()
    life = Life(plan, world)
    for moments in data.draw(st.lists(st.integers(0, 10), max_size=4)):
        for _ in range(moments):
            if not life.state.ended:
                life.step()
        life.cancel()
        life.retry()
    assert_they_came_to_the_same(life.live(), undisturbed)


@few
@given(HARSH.plans(), worlds, worlds, st.floats(1.0, 20.0))
def test_a_retry_calls_nothing_that_completed_and_was_not_undone(
    plan: Plan, world: int, other_world: int, deadline_at: float
) -> None:
    life = Life(plan, world, deadline_at).live()
    done, before = dict(life.state.done), len(life.history)
    life.world = other_world
    life.retry()
    life.live()
    again = life.history[before:]
    if life.state.run > 1:
        assert not done.keys() & {event.task for event in again if isinstance(event, TaskStarted)}
        reused = {event.task for event in again if isinstance(event, TaskCompleted) and event.reused}
        assert reused <= done.keys()


def assert_they_came_to_the_same(life: Life, undisturbed: Life) -> None:
    ours, theirs = life.state, undisturbed.state
    assert (ours.status, ours.output) == (theirs.status, theirs.output)


def some_of(history: list[AnyEvent], data: st.DataObject) -> list[int]:
    """Some moments between its events; not before the first."""
    return data.draw(st.lists(st.integers(1, len(history)), min_size=1, max_size=6, unique=True))
