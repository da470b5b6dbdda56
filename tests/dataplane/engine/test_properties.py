"""What holds for every graph, every order of outcomes and every failure: checked on generated executions."""

from __future__ import annotations

from random import Random

import hypothesis.strategies as st
from hypothesis import given

from tenantry.dataplane.engine.core.decide import advance, wake_at
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    Failure,
    FailureCode,
    TaskCompleted,
    TaskFailed,
    TaskSkipped,
    TaskStarted,
    WorkflowSubmitted,
    decode_events,
    encode_events,
)
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.state import ExecutionState, ExecutionStatus
from tenantry.language.plan.model import Plan, RetryOn, RetryPolicy
from tests.support.plans import http, make_plan, transform

ATTEMPTS = 3


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    names = [f"s{number}" for number in range(draw(st.integers(0, 7)))]
    edges = {
        name: draw(st.lists(st.sampled_from(names[:at]), unique=True)) if at else []
        for at, name in enumerate(names)
    }
    skipped = draw(st.sets(st.sampled_from(names))) if names else set()
    unsafe = draw(st.sets(st.sampled_from(names))) if names else set()
    return make_plan(
        edges,
        tasks={name: http("http://x", safe=False) if name in unsafe else transform() for name in names},
        conditions={name: lambda _scope: False for name in skipped},
        retries={name: RetryPolicy(max_attempts=ATTEMPTS) for name in names},
        max_parallel=draw(st.integers(1, 4)),
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[Plan, list[AnyEvent], ExecutionState]:
    """An execution driven to its end by outcomes in any order."""
    plan = draw(plans())
    chance = Random(draw(st.integers(0, 2**32)))  # noqa: S311  (a repeatable order, not a secret)
    state, now = ExecutionState(plan, "id", "acme"), 0.0
    running: list[TaskStarted] = []
    submitted = WorkflowSubmitted(
        at=now, workflow="w", version=1, digest="", input=None, actor="k", seed=1, deadline_at=1000.0
    )
    history = advance(state, submitted, now)
    running += [event for event in history if isinstance(event, TaskStarted)]
    while not state.ended:
        event: AnyEvent | None = None
        if running and chance.random() < 0.8:
            start = running.pop(chance.randrange(len(running)))
            event = chance.choice(_outcomes(start, now))
        elif not running:
            now = max(now, wake_at(state))
        new = advance(state, event, now)
        running += [event for event in new if isinstance(event, TaskStarted)]
        history += new
        now += 0.001
    return plan, history, state


def _outcomes(start: TaskStarted, now: float) -> list[AnyEvent]:
    retryable = Failure(code=FailureCode.UPSTREAM_STATUS, message="", retry_on=RetryOn.SERVER_ERROR)
    final = Failure(code=FailureCode.OUTPUT_MISMATCH, message="")
    return [
        TaskCompleted(at=now, task=start.task, attempt=start.attempt, output=1),
        TaskFailed(at=now, task=start.task, attempt=start.attempt, failure=retryable),
        TaskFailed(at=now, task=start.task, attempt=start.attempt, failure=final),
    ]


@given(histories())
def test_a_step_starts_only_after_everything_it_depends_on_ended(
    made: tuple[Plan, list[AnyEvent], object],
) -> None:
    plan, history, _ = made
    ended: set[str] = set()
    needs = {
        step.id: {plan.graph.steps[index].id for index in step.dependencies} for step in plan.graph.steps
    }
    for event in history:
        if isinstance(event, TaskStarted):
            assert needs[event.task] <= ended
        elif isinstance(event, TaskCompleted | TaskSkipped):
            ended.add(event.task)


@given(histories())
def test_never_more_run_than_may_and_never_more_attempts_than_allowed(
    made: tuple[Plan, list[AnyEvent], object],
) -> None:
    plan, history, _ = made
    running: set[str] = set()
    for event in history:
        if isinstance(event, TaskStarted):
            assert event.task not in running
            assert event.attempt <= ATTEMPTS
            running.add(event.task)
            assert len(running) <= plan.max_parallel
        elif isinstance(event, TaskCompleted | TaskFailed):
            running.discard(event.task)


@given(histories())
def test_it_completes_exactly_when_every_step_did_or_was_skipped(
    made: tuple[Plan, list[AnyEvent], ExecutionState],
) -> None:
    plan, history, state = made
    ended = {event.task for event in history if isinstance(event, TaskCompleted | TaskSkipped)}
    assert (state.status is ExecutionStatus.COMPLETED) == (ended == {step.id for step in plan.graph.steps})


@given(histories())
def test_folding_the_journaled_events_gives_the_same_state(
    made: tuple[Plan, list[AnyEvent], ExecutionState],
) -> None:
    plan, history, state = made
    folded = ExecutionState(plan, "id", "acme")
    for event in decode_events(encode_events(history)):
        evolve(folded, event)
    assert folded.status is state.status
    assert folded.scope == state.scope
    assert folded.output == state.output
    assert folded.failure == state.failure
    assert folded.activities.keys() == state.activities.keys()
