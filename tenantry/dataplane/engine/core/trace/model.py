"""What a trace says: the values that the gateway answers. Times are seconds since the execution's start."""

from __future__ import annotations

import msgspec

from tenantry.dataplane.engine.core.events import (  # noqa: TC001  (msgspec resolves annotations at run time)
    Failure,
    JsonValue,
    Origin,
)

# There may be tens of thousands of these, and a collection of garbage that visits them would stop everybody:
# hence `gc=False`, for they hold no cycles, and tuples, which are not visited when what they hold is not.


class Resolution(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """A template as it is written, and what it came to. Secrets are `***`.

    Attributes:
        resolved: its value.
        count: of a loop's items, which are not shown themselves.
        unresolved: why it has no value.
        given: the value was given by whoever retried or forked, instead of what is written.
        cut: a value was too long to be shown: it is the beginning of its JSON as a text.
    """

    written: JsonValue
    resolved: JsonValue | msgspec.UnsetType = msgspec.UNSET
    count: int | None = None
    unresolved: str = ""
    given: bool = False
    cut: bool = False


class Templates(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """The templates of one task, as far as they were evaluated.

    Attributes:
        condition: of the step or item.
        switch: the value that chose the case.
        items: of a loop.
        input: of a call or a sub-workflow; the same for every attempt.
        value: of a fallback that is one.
    """

    condition: Resolution | None = None
    switch: Resolution | None = None
    items: Resolution | None = None
    input: Resolution | None = None
    value: Resolution | None = None


class AttemptTrace(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """One attempt. No end: it was still running at the trace's end.

    Attributes:
        retry_delay_seconds: so long after its failure the next one might begin.
        interrupted: its executor died or stopped meanwhile.
    """

    attempt: int
    start_seconds: float
    end_seconds: float | None = None
    failure: Failure | None = None
    retry_delay_seconds: float | None = None
    interrupted: bool = False


class BlockTrace(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """A time in which a task could have begun, but for a limit.

    Attributes:
        limit: `workflow` (its `maxParallel`), `sub-workflow` (that of the one at `path`), or `loop` (it is an
            item, and the loop at `path` had not taken it up).
    """

    limit: str
    start_seconds: float
    path: str = ""
    end_seconds: float | None = None


class TaskTrace(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """One task: a step, an item of a loop, a fallback or a compensation; with `inside`, what it consists of.

    Attributes:
        id: its path: `lines[3]` is an item of `lines`, `route/charge` is inside `route`.
        status: `waiting` (for room), `running`, `retrying`, `completed`, `failed`, `skipped` or `cancelled`.
        run: of the execution; it counts its starts.
        wait_seconds: from the end of the last step it waited for to its first attempt.
        waited_for: the steps it had to wait for.
        blocked: the times in which it waited for room.
        ran_beside: calls that ran during some of the same time, up to twenty.
        critical: it is on the critical path.
        chose: the case a switch matched, by position, or `default`.
        tolerated: it failed, and what is around it went on.
        cached: its output is that of another call.
        reused: its output is that of an earlier run, or of the execution this one was forked from.
        dead_lettered: why it is among the dead letters.
        templates: only when they were asked for.
    """

    id: str
    start_seconds: float
    status: str
    end_seconds: float | None = None
    duration_seconds: float | None = None
    run: int = 1
    wait_seconds: float = 0.0
    waited_for: tuple[str, ...] = ()
    blocked: tuple[BlockTrace, ...] = ()
    ran_beside: tuple[str, ...] = ()
    critical: bool = False
    attempts: tuple[AttemptTrace, ...] = ()
    skip_reason: str = ""
    chose: str = ""
    tolerated: bool = False
    cached: bool = False
    reused: bool = False
    dead_lettered: str = ""
    failure: Failure | None = None
    templates: Templates | None = None


class RunTrace(msgspec.Struct, rename="camel", omit_defaults=True):
    """One start of the execution: the first, or a retry. `actor` asked for it."""

    run: int
    start_seconds: float
    status: str
    actor: str = ""
    end_seconds: float | None = None
    failure: Failure | None = None


class PauseTrace(msgspec.Struct, rename="camel", omit_defaults=True):
    """A time in which nothing new began. `actor` paused it, `ended_by` resumed or cancelled it."""

    start_seconds: float
    actor: str
    end_seconds: float | None = None
    ended_by: str = ""


class RecoveryTrace(msgspec.Struct, rename="camel", omit_defaults=True):
    """`executor` took the execution over at `at_seconds`; at `last_seconds` was the last event before."""

    executor: str
    last_seconds: float
    at_seconds: float


class Parallelism(msgspec.Struct, rename="camel"):
    """Calls at once: the most there were, and the average of the time in which there were any."""

    most: int = 0
    average: float = 0.0


class Trace(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """An execution's timeline, its tasks in the order they began.

    Attributes:
        status: of the execution.
        started_at: epoch seconds.
        duration_seconds: from its start to its last end.
        actor: who submitted it.
        traceparent: the W3C trace context its caller sent.
        trace_id: of its spans.
        actions: what can be done to it now, and where that is asked for, by name; the gateway knows.
        origin: of a fork.
        critical_path: the tasks of the last run that took its time, each followed by those inside that took
            its own.
        task_count: of all tasks; `tasks` may be a page of them.
        next_after: where the next page begins; `None` after the last.
    """

    execution_id: str
    workflow: str = ""
    version: int = 0
    status: str
    started_at: float = 0.0
    duration_seconds: float | None = None
    actor: str = ""
    traceparent: str = ""
    trace_id: str = ""
    actions: dict[str, str] = {}
    origin: Origin | None = None
    runs: list[RunTrace] = []
    pauses: list[PauseTrace] = []
    recoveries: list[RecoveryTrace] = []
    parallelism: Parallelism = msgspec.field(default_factory=Parallelism)
    critical_path: tuple[str, ...] = ()
    task_count: int = 0
    next_after: int | None = None
    tasks: list[TaskTrace] = []

    def page(self, after: int, limit: int) -> Trace:
        """The trace with the tasks from position `after` on, at most `limit` of them."""
        until = after + limit
        more = until < len(self.tasks)
        return msgspec.structs.replace(
            self, tasks=self.tasks[after:until], next_after=until if more else None
        )
