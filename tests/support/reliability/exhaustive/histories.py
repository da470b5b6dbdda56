"""What an execution has been told so far, every history once, and what the engine's core makes of it.

An executor's memory is the fold of its history, so its history stands for it here. The core's real functions
say what follows; that a fold from scratch gives the very same state is checked for everything they say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.decide import advance
from tenantry.dataplane.engine.core.events import (
    DeadLettered,
    DeadLetterReason,
    Failure,
    FailureCode,
    TaskCompleted,
    TaskFailed,
    TaskStarted,
    WorkflowRetried,
    WorkflowSubmitted,
    decode_events,
    encode_events,
)
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.letters import calls_in_flight
from tenantry.dataplane.engine.core.state import ExecutionState, ExecutionStatus
from tenantry.language.plan.model import RetryOn
from tests.support.deciding import BUSY, GONE, of
from tests.support.likeness import likeness
from tests.support.reliability.exhaustive.shapes import DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tenantry.language.plan.model import Plan


class ViolationError(Exception):
    """Something that must never be."""


class Call(NamedTuple):
    """An attempt. `need` is how many events must be durable before it is sent; 0 for a safe one."""

    path: str
    attempt: int
    need: int


class Outcome(NamedTuple):
    """How an attempt ends: `ok`, `busy`, `gone`, or `slow`, when nobody knows whether it had its effect."""

    path: str
    attempt: int
    kind: str

    def event(self, now: float) -> AnyEvent:
        """As the driver tells the core."""
        if self.kind == "ok":
            return TaskCompleted(at=now, task=self.path, attempt=self.attempt, output=self.path)
        failure = of(self.path, _FAILURES[self.kind])
        return TaskFailed(at=now, task=self.path, attempt=self.attempt, failure=failure)


_FAILURES: Final = {
    "busy": BUSY,
    "gone": GONE,
    "slow": Failure(
        code=FailureCode.UPSTREAM_TIMEOUT, message="slow", retry_on=RetryOn.TIMEOUT, outcome_unknown=True
    ),
}


class View(NamedTuple):
    """What the fold of a history says.

    Attributes:
        running: the attempts that have begun and not ended.
    """

    status: ExecutionStatus
    ended: bool
    deadline_at: float
    running: frozenset[tuple[str, int]]


class History:
    """A row of events, told apart by what they are; made by `Core` only.

    Attributes:
        line: this history and every shorter one, by length.
        run: how often the execution was started.
        started: attempts that began, with their run.
        completed: calls that were made and completed, with their run.
        unknown: calls that are among the dead letters for their unknown outcome, with their run.
        done: calls that completed and were not undone; `kept` those that were so when a run began, with it.
    """

    __slots__ = (
        "_longer", "completed", "done", "event", "kept", "line", "memo", "run", "started", "unknown", "view",
    )  # fmt: skip

    def __init__(self, shorter: History | None, event: AnyEvent | None) -> None:
        self.event = event
        self.line: tuple[History, ...] = (*(shorter.line if shorter is not None else ()), self)
        self.memo: dict[tuple[object, ...], Step] = {}
        self.view: View | None = None
        self._longer: dict[bytes, History] = {}
        self.run, self.done = 1, frozenset[str]()
        self.started = frozenset[tuple[str, int, int]]()
        self.completed = self.unknown = self.kept = frozenset[tuple[str, int]]()
        if shorter is not None:
            self.run, self.done, self.started = shorter.run, shorter.done, shorter.started
            self.completed, self.unknown, self.kept = shorter.completed, shorter.unknown, shorter.kept
        if event is not None:
            self._note(event)

    def __len__(self) -> int:
        return len(self.line) - 1

    def __bool__(self) -> bool:
        return True

    def begins(self, other: History) -> bool:
        """Whether the other one goes on from this one, or is it."""
        return len(self) <= len(other) and other.line[len(self)] is self

    def events(self) -> Iterator[AnyEvent]:
        """From the first to the last."""
        return (one.event for one in self.line if one.event is not None)

    def then(self, event: AnyEvent) -> History:
        """The history one event longer."""
        written = encode_events([event])
        if (longer := self._longer.get(written)) is None:
            longer = self._longer[written] = History(self, decode_events(written)[0])
        return longer

    def _note(self, event: AnyEvent) -> None:
        if isinstance(event, WorkflowRetried):
            self.run += 1
            self.kept |= {(path, self.run) for path in self.done}
        elif isinstance(event, TaskStarted):
            self.started |= {(event.task, self.run, event.attempt)}
        elif isinstance(event, TaskCompleted) and not event.reused:
            self.completed |= {(event.task, self.run)}
            undone = event.task.removesuffix("~compensate")
            self.done = self.done - {undone} if undone != event.task else self.done | {event.task}
        elif isinstance(event, DeadLettered) and event.reason is DeadLetterReason.OUTCOME_UNKNOWN:
            self.unknown |= {(event.task, self.run)}


class Step(NamedTuple):
    """What follows from something: a longer history, and the attempts that begin."""

    history: History
    begun: frozenset[Call]


class Core:
    """The engine's core on one plan. Everything is worked out once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.nothing = History(None, None)
        self.folds = 0

    def submit(self) -> Step:
        """A new execution."""
        submitted = WorkflowSubmitted(
            at=0.0,
            workflow=self.plan.workflow,
            version=1,
            digest="",
            input=None,
            actor="key",
            seed=7,
            deadline_at=DEADLINE_SECONDS,
        )
        return self._step(self.nothing, ("submit",), lambda state: advance(state, submitted, 0.0))

    def told(self, history: History, outcome: Outcome, now: float) -> Step:
        """An attempt ends."""
        return self._step(history, (outcome, now), lambda state: advance(state, outcome.event(now), now))

    def wait(self, history: History, now: float) -> Step:
        """Time passes."""
        return self._step(history, ("wait", now), lambda state: advance(state, None, now))

    def recover(self, history: History, now: float) -> Step:
        """Another executor takes the execution over."""
        return self._control(history, "recover", now, lambda state: control.recover(state, "another", now))

    def pause(self, history: History, now: float) -> Step:
        return self._control(history, "pause", now, lambda state: control.pause(state, "key", now))

    def resume(self, history: History, now: float) -> Step:
        return self._control(history, "resume", now, lambda state: control.resume(state, "key", now))

    def cancel(self, history: History, now: float) -> Step:
        return self._control(history, "cancel", now, lambda state: control.cancel(state, "key", now))

    def take_to(self, what: str, history: History, now: float, *, settle: bool) -> Step:
        """Somebody takes what nobody runs, to do that with it."""

        def act(state: ExecutionState) -> list[AnyEvent]:
            events = control.settle(state, "another", now) if settle else []
            if what == "retry":
                return events + control.retry(state, "key", now, now + DEADLINE_SECONDS, {})
            wish = control.resume if what == "resume" else control.cancel
            return events + wish(state, "key", now)

        return self._control(history, f"take to {what}", now, act)

    def view(self, history: History) -> View:
        """What the fold of a history says."""
        if history.view is None:
            history.view = _view(self.fold(history))
        return history.view

    def fold(self, history: History) -> ExecutionState:
        """The state, folded from scratch."""
        self.folds += 1
        state = ExecutionState(self.plan, "id", "acme")
        for event in history.events():
            evolve(state, event)
        return state

    def _control(
        self, history: History, name: str, now: float, act: Callable[[ExecutionState], list[AnyEvent]]
    ) -> Step:
        return self._step(history, (name, now), lambda state: act(state) + advance(state, None, now))

    def _step(
        self,
        history: History,
        name: tuple[object, ...],
        act: Callable[[ExecutionState], list[AnyEvent]],
    ) -> Step:
        step = history.memo.get(name)
        if step is None:
            step = history.memo[name] = self._work_out(history, name, act)
        return step

    def _work_out(
        self,
        history: History,
        name: tuple[object, ...],
        act: Callable[[ExecutionState], list[AnyEvent]],
    ) -> Step:
        state = self.fold(history)
        try:
            events = act(state)
            longer = history
            for event in events:
                longer = longer.then(event)
            again = self.fold(longer)
        except (LookupError, AttributeError, ValueError, TypeError) as error:
            raise ViolationError(f"{name[0]} raised {error!r}") from error
        if likeness(again) != likeness(state):
            raise ViolationError(f"after {name[0]} the journal says another state than its owner")
        longer.view = view = _view(state)
        begun = [event for event in events if isinstance(event, TaskStarted)]
        calls = {
            Call(one.task, one.attempt, 0 if state.activities[one.task].body.task.safe else len(longer))
            for one in begun
            if (one.task, one.attempt) in view.running
        }
        return Step(longer, frozenset(calls))


def _view(state: ExecutionState) -> View:
    running = frozenset((one.path, one.attempt) for one in calls_in_flight(state))
    ended = state.ended
    return View(state.status, ended, state.deadline_at, frozenset() if ended else running)
