"""Activities: what an execution is doing, as a tree. Steps, items of loops and compensations are one each."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.language.plan.model import ActionPlan, GroupPlan, StepPlan
    from tenantry.language.templates.scope import Scope
    from tenantry.language.values import Json


class Phase(StrEnum):
    """Where an activity stands."""

    WAITING = "waiting"  # for the steps it depends on
    DUE = "due"  # a decision is due
    READY = "ready"  # its attempt waits for room
    RUNNING = "running"  # its attempt, or what is inside it
    RETRYING = "retrying"  # its next attempt waits for its time
    FAILED = "failed"  # what becomes of the failure is not decided
    COMPLETED = "completed"
    SKIPPED = "skipped"
    TOLERATED = "tolerated"  # failed for good, and forgiven
    ABANDONED = "abandoned"  # something around it failed first


ENDED: Final = frozenset((Phase.COMPLETED, Phase.SKIPPED, Phase.TOLERATED, Phase.ABANDONED))


class Activity:
    """One thing being done.

    Attributes:
        path: its name in events.
        plan: what is to be done; `body` is the part of it that is, or was, being done.
        scope: what its templates read.
        owner: the activity it is inside of; the root and compensations have none.
        position: of the step in its graph, of the item in its list.
        step: the plan of a step; `None` for an item, a compensation and the root.
        waiting_for: dependencies that have not ended.
        condition: how it was decided, once it has been.
        attempt: number of the latest attempt at the body, from 1.
        interrupted: attempts among these that an executor did not survive: no failures of the task.
        deadline_at: nothing in it goes on after this instant.
        inside: what the body consists of, once it has begun: a `Group`, a `Loop`, or `None`.
        limit: attempts that may run in it at a time.
        running: attempts in flight in it, itself included; `unsafe` those that may not be abandoned.
        fell_back: the body is the fallback.
        prepared: what a decision has evaluated, for the fold of that decision.
        scheduled: it was told that the call waits for room.
    """

    __slots__ = (
        "attempt", "body", "condition", "deadline_at", "failure", "fell_back", "inside", "interrupted",
        "limit", "not_before", "owner", "path", "phase", "plan", "position", "prepared", "running",
        "scheduled", "scope", "step", "unsafe", "waiting_for",
    )  # fmt: skip

    def __init__(
        self,
        path: str,
        plan: ActionPlan,
        scope: Scope,
        owner: Activity | None,
        *,
        deadline_at: float,
        position: int = 0,
        step: StepPlan | None = None,
    ) -> None:
        self.path, self.plan, self.scope, self.owner = path, plan, scope, owner
        self.position, self.step, self.deadline_at = position, step, deadline_at
        # What these two are follows from the event being folded; each fold names the type it knows.
        self.body: Any = plan.body
        self.inside: Any = None
        self.phase = Phase.WAITING
        self.waiting_for = 0 if step is None else len(step.dependencies)
        self.condition: bool | None = None
        self.attempt = self.interrupted = 0
        self.not_before = 0.0
        self.failure: Failure | None = None
        self.fell_back = False
        self.limit: int | None = None
        self.running = 0
        self.unsafe = 0
        self.prepared: Any = msgspec.UNSET
        self.scheduled = False

    @property
    def is_root(self) -> bool:
        """Whether this is the execution itself."""
        return not self.path

    def child_path(self, step: str) -> str:
        """The path of a step inside this activity."""
        return f"{self.path}/{step}" if self.path else step

    def waited_for(self) -> tuple[str, ...]:
        """Paths of the steps this one had to wait for; a fallback waits for none."""
        step, owner = self.step, self.owner
        if step is None or owner is None or self.fell_back:
            return ()
        members = owner.inside.members
        return tuple(members[index].path for index in step.dependencies)

    def count_attempts(self, running: int, unsafe: int) -> None:
        """Counts attempts of this activity in or out, all the way up."""
        activity: Activity | None = self
        while activity is not None:
            activity.running += running
            activity.unsafe += unsafe
            activity = activity.owner

    def blocked_by(self) -> Activity | None:
        """What has no room for one more attempt: the nearest around whose limit is reached, if any."""
        activity: Activity | None = self.owner
        while activity is not None:
            if activity.limit is not None and activity.running >= activity.limit:
                return activity
            activity = activity.owner
        return None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens in it."""
        return self.phase in ENDED

    @property
    def fallback_path(self) -> str:
        """The path of what stands in for it."""
        return f"{self.path}~fallback"

    def is_within(self, others: AbstractSet[Activity]) -> bool:
        """Whether this activity is one of the others, or inside one."""
        activity: Activity | None = self
        while activity is not None:
            if activity in others:
                return True
            activity = activity.owner
        return False


class Group:
    """The steps of a graph being done. `remaining` of them have not ended."""

    __slots__ = ("members", "plan", "remaining", "scope")

    def __init__(self, plan: GroupPlan, scope: Scope, owner: Activity) -> None:
        self.plan, self.scope = plan, scope
        self.members = [
            Activity(
                owner.child_path(step.id),
                step.action,
                scope,
                owner,
                deadline_at=owner.deadline_at,
                position=step.index,
                step=step,
            )
            for step in plan.steps
        ]
        self.remaining = len(self.members)

    def unfinished(self) -> list[Activity]:
        """The members that have not ended."""
        return [member for member in self.members if not member.has_ended]

    def present(self) -> list[Activity]:
        """Every member, ended or not."""
        return self.members


class Loop:
    """The items of a list being gone through.

    Attributes:
        next: index of the first item not taken up.
        active: items in progress, by index.
        results: what became of the others: phase, output, failure; by index.
        queued: the loop waits to take up another item.
    """

    __slots__ = ("active", "items", "next", "queued", "results")

    def __init__(self, items: list[Json]) -> None:
        self.items = items
        self.next = 0
        self.active: dict[int, Activity] = {}
        self.results: list[tuple[Phase, Json, Failure | None] | None] = [None] * len(items)
        self.queued = False

    def unfinished(self) -> list[Activity]:
        """The items in progress."""
        return list(self.active.values())

    present = unfinished
    """An item that has ended is not kept, only what it gave."""

    def outputs(self) -> list[Json]:
        """The outputs of the items that completed, in item order."""
        return [result[1] for result in self.results if result is not None and result[0] is Phase.COMPLETED]

    def count(self, phase: Phase) -> int:
        """How many items ended so."""
        return sum(result is not None and result[0] is phase for result in self.results)

    def summary(self) -> dict[str, Json]:
        """What `tasks.<id>.forEach` gives."""
        return {
            "outputs": self.outputs(),
            "itemCount": len(self.items),
            "successCount": self.count(Phase.COMPLETED),
            "failureCount": self.count(Phase.TOLERATED),
            "itemResults": [
                _item_result(index, *result)
                for index, result in enumerate(self.results)
                if result is not None
            ],
        }


NO_ITEMS: Final[dict[str, Json]] = Loop([]).summary()
"""What `tasks.<id>.forEach` gives when the loop was skipped, or failed and was forgiven."""

_STATUS: Final = {Phase.TOLERATED: "failed"}


def status_of(phase: Phase) -> str:
    """How templates call the end of an activity: `completed`, `skipped` or `failed`."""
    return _STATUS.get(phase, phase.value)


def _item_result(index: int, phase: Phase, output: Json, failure: Failure | None) -> Json:
    result: dict[str, Json] = {"index": index, "status": status_of(phase), "output": output}
    if failure is not None:
        result["error"] = {"code": failure.code.value, "message": failure.message}
    return result
