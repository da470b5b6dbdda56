"""Whatever is inside whatever: generated trees against a naive model that does one thing after the other.

Outcomes depend on the task and the attempt only, so the order in which they arrive must not matter.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any
from zlib import crc32

import hypothesis.strategies as st
from hypothesis import given, settings

from tenantry.dataplane.engine.core.activity import Phase
from tenantry.dataplane.engine.core.decide import advance, wake_at
from tenantry.dataplane.engine.core.events import (
    AnyEvent,
    ForEachCompleted,
    GroupCompleted,
    TaskCompleted,
    TaskFailed,
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
    RetryPolicy,
    SubworkflowPlan,
    SwitchPlan,
    ValuePlan,
)
from tests.support.deciding import BUSY, GONE, submit
from tests.support.plans import call, group, transform, unsafe, workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.templates import Predicate

ATTEMPTS = 2


def always(value: Any) -> Callable[[object], Any]:
    return lambda _scope: value


def calls() -> st.SearchStrategy[CallPlan]:
    return st.builds(
        lambda is_safe, attempts: call(
            transform() if is_safe else unsafe(),
            bind=always(None),
            retry=RetryPolicy(max_attempts=attempts, jitter=False),
        ),
        st.booleans(),
        st.integers(1, ATTEMPTS),
    )


def conditions() -> st.SearchStrategy[Predicate | None]:
    return st.sampled_from([None, None, None, always(True), always(False)])


def bodies(depth: int) -> st.SearchStrategy[BodyPlan]:
    if depth == 0:
        return calls()
    inner = bodies(depth - 1)
    return st.one_of(
        calls(),
        st.builds(
            lambda value, first, default: SwitchPlan(
                value=always(value), cases=((1, first),), default=default
            ),
            st.sampled_from([1, 2]),
            inner,
            st.none() | inner,
        ),
        st.builds(
            lambda count, tolerant, most, action: ForEachPlan(
                items=always(list(range(count))),
                variable="item",
                action=action,
                tolerant=tolerant,
                max_parallel=most,
            ),
            st.integers(0, 3),
            st.booleans(),
            st.integers(1, 3),
            actions(depth - 1),
        ),
        graphs(depth - 1),
        st.builds(
            lambda graph, most: SubworkflowPlan(
                plan=workflow(graph, max_parallel=most, deadline_seconds=1e6), bind=always(None)
            ),
            graphs(depth - 1),
            st.integers(1, 3),
        ),
    )


def actions(depth: int) -> st.SearchStrategy[ActionPlan]:
    fallbacks = st.none() | st.none() | st.builds(lambda: ValuePlan(evaluate=always("plain"))) | calls()
    return st.builds(
        lambda body, condition, otherwise, fallback, undo: ActionPlan(
            body=body,
            condition=condition,
            otherwise=otherwise if condition is not None else None,
            fallback=fallback,
            compensate=undo,
        ),
        bodies(depth),
        conditions(),
        st.none() | calls(),
        fallbacks,
        st.none() | calls(),
    )


@st.composite
def graphs(draw: st.DrawFn, depth: int) -> GroupPlan:
    names = [f"s{number}" for number in range(draw(st.integers(1, 3)))]
    edges = {
        name: draw(st.lists(st.sampled_from(names[:at]), unique=True)) if at else []
        for at, name in enumerate(names)
    }
    made = {name: draw(actions(depth)) for name in names}
    optional = [name for name in names if draw(st.booleans()) and draw(st.booleans())]
    return group(edges, made, optional=optional)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    return workflow(draw(graphs(2)), max_parallel=draw(st.integers(1, 4)))


def outcome(world: int, path: str, attempt: int) -> str:
    """What becomes of an attempt in this world."""
    return ["ok", "ok", "ok", "busy", "gone"][crc32(f"{world}/{path}/{attempt}".encode()) % 5]


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


def ended(start: TaskStarted, world: int, now: float) -> AnyEvent:
    match outcome(world, start.task, start.attempt):
        case "ok":
            return TaskCompleted(at=now, task=start.task, attempt=start.attempt, output=start.task)
        case "busy":
            return TaskFailed(at=now, task=start.task, attempt=start.attempt, failure=BUSY)
    return TaskFailed(at=now, task=start.task, attempt=start.attempt, failure=GONE)


worlds = st.integers(0, 10_000)

few = settings(max_examples=max(30, settings().max_examples // 2))
"""Trees cost more to make than to run."""


@few
@given(plans(), worlds, worlds)
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
@given(plans(), worlds, worlds)
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
