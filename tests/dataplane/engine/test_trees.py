"""Whatever is inside whatever: generated trees against a naive model that does one thing after the other.

Outcomes depend on the task and the attempt only, so the order in which they arrive must not matter.
"""

from __future__ import annotations

from random import Random
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from tenantry.dataplane.engine.core.activity import Phase
from tenantry.dataplane.engine.core.decide import advance, wake_at
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    ForEachCompleted,
    GroupCompleted,
    TaskCompleted,
    TaskStarted,
    decode_events,
    encode_events,
)
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.state import ExecutionState, ExecutionStatus
from tenantry.language.plan.model import (
    ActionPlan,
    BodyPlan,
    CallPlan,
    ForEachPlan,
    GroupPlan,
    Plan,
    SubworkflowPlan,
    SwitchPlan,
    ValuePlan,
)
from tests.support.deciding import submit
from tests.support.trees import Trees, ended, outcome

# The model


class Failed(Exception):  # noqa: N818  (an outcome of the model, not an error)
    """It failed for good."""


class Model:
    """Does what a plan says, one thing after the other, without a notion of events or time."""

    def __init__(self, world: int) -> None:
        self.world = world

    def graph(self, plan: GroupPlan, path: str) -> Any:
        outputs: dict[str, Any] = {}
        for step in plan.steps:
            try:
                outputs[step.id] = self.action(step.action, f"{path}/{step.id}" if path else step.id)
            except Failed:
                if not step.optional:
                    raise
                outputs[step.id] = None
        return outputs

    def action(self, plan: ActionPlan, path: str) -> Any:
        holds = plan.condition is None or plan.condition(None)  # type: ignore[arg-type]  # it reads nothing
        if not holds and plan.otherwise is None:
            return SKIPPED
        try:
            return self.body(plan.body if holds else plan.otherwise, path)
        except Failed:
            if plan.fallback is None:
                raise
            return self.body(plan.fallback, f"{path}~fallback")

    def body(self, plan: BodyPlan | None, path: str) -> Any:
        match plan:
            case CallPlan():
                return self.call(plan, path)
            case ValuePlan():
                return "plain"
            case SwitchPlan():
                chosen = plan.cases[0][1] if plan.value(None) == 1 else plan.default  # type: ignore[arg-type]  # as above
                if chosen is None:
                    raise Failed
                return self.body(chosen, path)
            case ForEachPlan():
                return self.loop(plan, path)
            case SubworkflowPlan():
                return self.graph(plan.plan.graph, path)
            case GroupPlan():
                return self.graph(plan, path)

    def loop(self, plan: ForEachPlan, path: str) -> Any:
        outputs = []
        for index in range(len(plan.items(None))):  # type: ignore[arg-type]  # as above
            try:
                output = self.action(plan.action, f"{path}[{index}]")
            except Failed:
                if not plan.tolerant:
                    raise
            else:
                outputs += [] if output is SKIPPED else [output]
        return outputs

    def call(self, plan: CallPlan, path: str) -> Any:
        for attempt in range(1, plan.retry.max_attempts + 1):
            match outcome(self.world, path, attempt):
                case "ok":
                    return path
                case "gone":
                    break
        raise Failed


class Skipped:
    """Not done: nothing in a list, null in a graph."""


SKIPPED = Skipped()


def without_skipped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_skipped(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_skipped(item) for item in value]
    return None if value is SKIPPED else value


# The engine


def drive(plan: Plan, world: int, order: int) -> tuple[ExecutionState, list[AnyEvent]]:
    """Runs to the end; attempts end in any order."""
    chance = Random(order)  # noqa: S311  (a repeatable order, not a secret)
    state, history = submit(plan, deadline_at=1e9)
    running = [event for event in history if isinstance(event, TaskStarted)]
    now = 0.0
    while not state.ended:
        now += 0.001
        event: AnyEvent | None = None
        running = [one for one in running if one.task in state.activities]
        if running:
            event = ended(running.pop(chance.randrange(len(running))), world, now)
        else:
            now = max(now, wake_at(state))
        new = advance(state, event, now)
        running += [one for one in new if isinstance(one, TaskStarted)]
        history += new
    return state, history


worlds = st.integers(0, 10_000)

few = settings(max_examples=max(30, settings().max_examples // 2))
"""Trees cost more to make than to run."""


@few
@given(Trees().plans(), worlds, worlds)
def test_the_outcome_is_the_model_s_in_whatever_order_attempts_end(
    plan: Plan, world: int, order: int
) -> None:
    state, history = drive(plan, world, order)
    try:
        expected = without_skipped(Model(world).graph(plan.graph, ""))
    except Failed:
        assert state.status is ExecutionStatus.FAILED
    else:
        assert state.status is ExecutionStatus.COMPLETED
        assert state.output == expected
    assert_what_was_done_is_undone_in_reverse(history)


def assert_what_was_done_is_undone_in_reverse(history: list[AnyEvent]) -> None:
    suffix = "~compensate"
    undone = [
        event.task.removesuffix(suffix)
        for event in history
        if isinstance(event, TaskStarted) and event.task.endswith(suffix) and event.attempt == 1
    ]
    ends = {
        event.task: at
        for at, event in enumerate(history)
        if isinstance(event, TaskCompleted | GroupCompleted | ForEachCompleted)
    }
    assert len(undone) == len(set(undone))
    assert [ends[path] for path in undone] == sorted((ends[path] for path in undone), reverse=True)


@few
@given(Trees().plans(), worlds, worlds)
def test_folding_the_journal_gives_the_same_state_and_keeps_the_bounds_at_every_moment(
    plan: Plan, world: int, order: int
) -> None:
    state, history = drive(plan, world, order)
    folded = ExecutionState(plan, "id", "acme")
    for event in decode_events(encode_events(history)):
        evolve(folded, event)
        assert_nothing_is_counted_twice(folded)
    assert (folded.status, folded.output, folded.failure) == (state.status, state.output, state.failure)
    assert folded.scope == state.scope
    assert folded.not_undone == state.not_undone
    assert folded.activities.keys() == state.activities.keys()


def assert_nothing_is_counted_twice(state: ExecutionState) -> None:
    running = [one for one in state.activities.values() if one.phase is Phase.RUNNING]
    attempts = [one for one in running if isinstance(one.body, CallPlan) and one.owner is not None]
    assert state.root.running == len(attempts) <= state.plan.max_parallel
    assert state.root.unsafe == sum(not one.body.task.safe for one in attempts)
