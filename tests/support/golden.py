"""Golden histories: what executions of a released version journaled, and the state that it folds to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tenantry.dataplane.bundles.plans import plan_from_source
from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.activity import Phase
from tenantry.dataplane.engine.core.decide import advance, wake_at
from tenantry.dataplane.engine.core.events import (
    TaskCompleted,
    TaskFailed,
    TaskStarted,
    WorkflowSubmitted,
    decode_events,
    encode_events,
)
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.snapshot import snapshot
from tenantry.dataplane.engine.core.state import ExecutionState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenantry.dataplane.engine.core.events import AnyEvent, Failure

FOLDER: Final = Path(__file__).parents[1] / "golden"
EXECUTION: Final = "019ca945-1000-7000-8000-000000000001"
NOON: Final = 1_772_366_400.0


class Player:
    """An execution played by a script: one attempt ends a second, in the order in which they began.

    Args:
        source: of its plan.
        script: how the attempts at a task end, one after the other: a `Failure`, or an output; `...` for
            "never". After them they succeed with the task's path.
    """

    def __init__(self, source: str, script: Mapping[str, list[Any]], **submitted_with: Any) -> None:
        self.source, self._script = source, {path: list(ends) for path, ends in script.items()}
        self.state = ExecutionState(plan_from_source(source), EXECUTION, "acme")
        self.history: list[AnyEvent] = []
        self.now = NOON
        plan = self.state.plan
        fields: dict[str, Any] = {"input": {"items": [1, 2, 3], "kind": "parcel"}, **submitted_with}
        self.tell(
            WorkflowSubmitted(
                at=self.now,
                workflow=plan.workflow,
                version=plan.version,
                digest=plan.digest,
                actor="key-1",
                seed=7,
                deadline_at=self.now + plan.deadline_seconds,
                **fields,
            )
        )

    def tell(self, event: AnyEvent | None) -> None:
        """Something happens, and what follows."""
        self.history += advance(self.state, event, self.now)

    def act(self, events: list[AnyEvent]) -> Player:
        """What `core.control` gave, and what follows."""
        self.history += events
        self.tell(None)
        return self

    def crash(self) -> Player:
        """The executor dies, and ten seconds later another takes the execution over."""
        self.state = fold(self.source, decode_events(encode_events(self.history)))
        self._script = {path: [end for end in ends if end is not ...] for path, ends in self._script.items()}
        self.now += 10
        return self.act(control.recover(self.state, "another", self.now))

    def steps(self, most: int = 100) -> Player:
        """So many attempts end, or pauses pass; fewer when nothing more happens."""
        for _ in range(most):
            start = next((one for one in self._in_flight() if self._ends(one)), None)
            if self.state.ended or (start is None and not self.state.retrying):
                break
            if start is None:
                self.wait()
            else:
                self.now += 1
                self.tell(self._outcome(start))
        return self

    def wait(self) -> Player:
        """Time passes until something is due."""
        self.now = max(self.now, wake_at(self.state, self.now))
        self.tell(None)
        return self

    def _in_flight(self) -> list[TaskStarted]:
        starts = {event.task: event for event in self.history if isinstance(event, TaskStarted)}
        return [one for one in starts.values() if self._runs(one)]

    def _runs(self, start: TaskStarted) -> bool:
        activity = self.state.activities.get(start.task)
        return activity is not None and (activity.phase, activity.attempt) == (Phase.RUNNING, start.attempt)

    def _ends(self, start: TaskStarted) -> bool:
        return self._script.get(start.task, [None])[:1] != [...]

    def _outcome(self, start: TaskStarted) -> AnyEvent:
        ends = self._script.get(start.task)
        end = ends.pop(0) if ends else {"made": start.task}
        if isinstance(end, dict):
            return TaskCompleted(at=self.now, task=start.task, attempt=start.attempt, output=end)
        failure: Failure = msgspec.structs.replace(end, task=start.task)
        return TaskFailed(at=self.now, task=start.task, attempt=start.attempt, failure=failure)

    def told(self, says: str) -> dict[str, Any]:
        """The history as a file holds it."""
        events = encode_events(self.history).decode()
        return {
            "says": says,
            "source": self.source,
            "events": json.loads(events),
            "state": described(fold(self.source, self.history)),
        }


def fold(source: str, events: Iterable[AnyEvent]) -> ExecutionState:
    """The state that a history tells of."""
    state = ExecutionState(plan_from_source(source), EXECUTION, "acme")
    for event in events:
        evolve(state, event)
    return state


def events_in(history: Mapping[str, Any]) -> list[AnyEvent]:
    """The events of a file, read as they are read from the journal."""
    return decode_events(json.dumps(history["events"]))


def described(state: ExecutionState) -> dict[str, Any]:
    """Everything of a state that later decisions and answers depend on, as JSON."""
    told = msgspec.json.encode(
        {
            "status": state.status.value,
            "output": state.output,
            "failure": state.failure,
            "run": state.run,
            "recoveries": state.recoveries,
            "deadlineAt": state.deadline_at,
            "done": dict(sorted(state.done.items())),
            "deadLetters": {path: reason.value for path, reason in sorted(state.lettered.items())},
            "undo": [one.path for one in state.undo],
            "snapshot": snapshot(state),
        }
    )
    described: dict[str, Any] = json.loads(told)
    return described


def histories() -> list[Path]:
    """All files, of all versions."""
    return sorted(FOLDER.glob("*/histories/*.json"))
