"""The state of one execution: a fold of its events. `evolve.evolve` is the only thing that changes it."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tenantry.dataplane.engine.core.activity import Activity
from tenantry.language.plan.model import ActionPlan
from tenantry.language.templates.scope import Scope

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import Answer, DeadLetterReason, Failure
    from tenantry.language.plan.model import CallPlan, Plan
    from tenantry.language.values import Json

MAX_ITERATIONS: Final = 100_000
"""Items that all loops of one execution take up together."""


class ExecutionStatus(StrEnum):
    """Where an execution stands."""

    SUBMITTED = "submitted"
    RUNNING = "running"
    PAUSED = "paused"
    COMPENSATING = "compensating"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED})


class Undo(NamedTuple):
    """What undoes an activity that completed."""

    path: str
    call: CallPlan
    scope: Scope


class ExecutionState:
    """An execution as its events tell it. The driver owns one and passes it to `evolve` and `decide`.

    Attributes:
        root: the tree of what it does.
        activities: what has begun or may begin, and has not ended, by path.
        due: activities about which something must be decided, in order of arrival.
        ready: calls that wait for room, in order of arrival.
        looping: loops that may take up another item.
        retrying: calls that wait for their next attempt.
        failed: activities whose failure nobody has dealt with.
        timed: activities with a deadline of their own.
        undo: what would undo what was done, in the order of doing.
        compensation: what is being undone.
        not_undone: paths whose compensation failed.
        iterations: items taken up so far, or sure to be.
        failure: why the execution fails, once that is certain.
        run: how often it has been started: 1, and one more for every retry.
        recoveries: how often another executor took it over.
        done: what calls and fallbacks gave and was not undone, by path; that of runs before this one, and
            of a fork's origin, included.
        reused: those of `done` that stand for calls of this run.
        inputs: of tasks by path, instead of what their templates give.
        tried: the attempts at calls that failed, and their task's name; by path.
        lettered: paths that are among the dead letters, and why.
        last_at: when the last event happened.
        paused_at: since when it is paused.
    """

    __slots__ = (
        "activities", "answer", "compensation", "deadline_at", "done", "due", "execution_id", "failed",
        "failure", "inputs", "iterations", "last_at", "lettered", "looping", "not_undone", "output",
        "paused_at", "plan", "ready", "recoveries", "retrying", "reused", "root", "run", "seed", "status",
        "tenant", "timed", "tried", "undo", "validated",
    )  # fmt: skip

    def __init__(self, plan: Plan, execution_id: str, tenant: str) -> None:
        self.plan, self.execution_id, self.tenant = plan, execution_id, tenant
        self.validated = False
        self.run = 1
        self.recoveries = 0
        self.done: dict[str, Json] = {}
        self.reused: dict[str, Json] = {}
        self.inputs: dict[str, Json] = {}
        self.seed = 0
        self.last_at = 0.0
        self.begin(None, 0.0)

    def begin(self, value: Json, deadline_at: float) -> None:
        """Makes the tree anew, with nothing begun."""
        plan = self.plan
        scope = Scope(
            input=value,
            outputs={},
            statuses={},
            loops={},
            items={},
            workflow_name=plan.workflow,
            execution_id=self.execution_id,
            tenant_name=self.tenant,
        )
        self.deadline_at = deadline_at
        self.root = Activity("", ActionPlan(body=plan.graph), scope, None, deadline_at=deadline_at)
        self.root.limit = plan.max_parallel
        self.status = ExecutionStatus.SUBMITTED
        self.activities: dict[str, Activity] = {}
        self.due: deque[Activity] = deque()
        self.ready: deque[Activity] = deque()
        self.looping: deque[Activity] = deque()
        self.retrying: list[Activity] = []
        self.failed: list[Activity] = []
        self.timed: list[Activity] = []
        self.undo: list[Undo] = []
        self.compensation: Activity | None = None
        self.not_undone: list[str] = []
        self.iterations = 0
        self.failure: Failure | None = None
        self.output: Json = None
        self.answer: Answer | None = None
        self.tried: dict[str, tuple[int, str]] = {}
        self.lettered: dict[str, DeadLetterReason] = {}
        self.paused_at = 0.0

    @property
    def scope(self) -> Scope:
        """What the templates of the workflow itself read."""
        return self.root.scope

    @property
    def ended(self) -> bool:
        """Whether nothing can happen any more."""
        return self.status in ENDED
