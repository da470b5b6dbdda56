"""Lives of executions: attempts take their time; meanwhile they are paused, cancelled, their executors die.

The driver is played as it is: it wakes when it is told to, and makes no attempt that was cut off. How an
attempt ends depends on its task and its number only.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.activity import Phase
from tenantry.dataplane.engine.core.decide import advance, wake_at
from tenantry.dataplane.engine.core.events import AnyEvent, Failure, TaskStarted, decode_events, encode_events
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.state import ExecutionState, ExecutionStatus
from tests.support.deciding import submit
from tests.support.trees import ended

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenantry.language.plan.model import Plan

FAR = 1e9
"""A deadline nobody misses."""

LONG = 1000
"""More steps than any of these executions takes."""


def fold(plan: Plan, events: Iterable[AnyEvent]) -> ExecutionState:
    """The state that the journal tells of: of events that have been written and read."""
    state = ExecutionState(plan, "id", "acme")
    for event in decode_events(encode_events(list(events))):
        evolve(state, event)
    return state


class Life:
    """One execution; attempts last up to three seconds.

    Attributes:
        history: everything that was recorded.
    """

    def __init__(self, plan: Plan, world: int, deadline_at: float = FAR, **submitted_with: Any) -> None:
        self.plan, self.world, self.now = plan, world, 0.0
        self._chance = Random(world)  # noqa: S311  (repeatable, not a secret)
        self._running: list[tuple[float, TaskStarted]] = []
        self.history: list[AnyEvent] = []
        self.state, events = submit(plan, deadline_at=deadline_at, **submitted_with)
        self._note(events)

    @classmethod
    def from_journal(cls, plan: Plan, world: int, events: list[AnyEvent]) -> Life:
        """What another executor finds; nothing runs there."""
        life = cls.__new__(cls)
        life.plan, life.world, life.now = plan, world, events[-1].at
        life._chance = Random(world)  # noqa: S311  (as above)
        life._running = []
        life.history = list(events)
        life.state = fold(plan, events)
        return life

    @property
    def in_flight(self) -> list[TaskStarted]:
        """The attempts that have not ended."""
        return [start for _, start in self._running if self._runs(start)]

    @property
    def goes_on(self) -> bool:
        """Whether time alone will bring something."""
        return not self.state.ended and wake_at(self.state, self.now) < float("inf")

    def live(self) -> Life:
        """Goes on to the end, which must come; a pause is ended first."""
        self.resume()
        for _ in range(LONG):
            if self.state.ended:
                return self
            self.step()
        raise AssertionError("it does not end")

    def step(self) -> None:
        """Lets time pass until the next thing happens, which must not be in the same instant for ever."""
        self._running = [one for one in self._running if self._runs(one[1])]
        wake = wake_at(self.state, self.now)
        first = min(self._running, default=None, key=lambda one: one[0])
        assert wake > self.now
        if first is not None and first[0] < wake:
            self._running.remove(first)
            self.now = max(self.now, first[0])
            interrupted = self.state.activities[first[1].task].interrupted
            self.tell(ended(first[1], self.world, self.now, interrupted))
        else:
            assert wake < float("inf"), "nothing will ever happen again"
            self.now = wake
            self.tell(None)

    def tell(self, event: AnyEvent | None) -> None:
        """Something happens, and what follows from it."""
        self._note(advance(self.state, event, self.now))

    def crash(self, gap: float = 5.0) -> None:
        """The executor dies, and some time later another takes the execution over."""
        self._running = []
        self.state = fold(self.plan, self.history)
        self.now += gap
        self._act(control.recover(self.state, "another", self.now))

    def pause(self) -> None:
        self._act(control.pause(self.state, "key", self.now))

    def resume(self) -> None:
        self._act(control.resume(self.state, "key", self.now))

    def cancel(self) -> None:
        self._act(control.cancel(self.state, "key", self.now))

    def fail(self, failure: Failure) -> None:
        self._act(control.fail(self.state, failure, self.now))

    def retry(self, inputs: Mapping[str, Any] | None = None, seconds: float = FAR) -> None:
        events = control.retry(self.state, "key", self.now, self.now + seconds, inputs or {})
        if events:
            self._running = []  # another run, which another driver makes
        self._act(events)

    def _act(self, events: list[AnyEvent]) -> None:
        self._note(events)
        self.tell(None)

    def _note(self, events: list[AnyEvent]) -> None:
        self.history += events
        for event in events:
            if isinstance(event, TaskStarted):
                self._running.append((self.now + self._chance.uniform(0.01, 3.0), event))

    def _runs(self, start: TaskStarted) -> bool:
        activity = self.state.activities.get(start.task)
        return (
            not self.state.ended
            and activity is not None
            and (activity.phase, activity.attempt) == (Phase.RUNNING, start.attempt)
        )


def waits_for_nothing(state: ExecutionState, in_flight: Iterable[TaskStarted], now: float) -> bool:
    """Whether nothing will happen to it before its deadline, though it is neither paused nor ended."""
    if state.ended or state.status is ExecutionStatus.PAUSED:
        return False
    retries = any(activity.not_before > now for activity in state.retrying)
    return not (list(in_flight) or retries)
