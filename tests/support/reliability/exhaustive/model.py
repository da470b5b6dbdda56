"""One execution, two executors, a journal: what can happen next, wherever things stand.

What the engine decides is worked out by its real core. The driver, the journal's writer, ownership and
control are modelled as they are written: what is recorded waits for a commit, an unsafe call for its
durability, and a commit writes only under the epoch its executor was given. Anything out of the ordinary is a
disturbance, and a world has only so many of them left.

An effect counts from the moment its call is sent: whether it came about nobody can tell, so that is assumed
of every call that is not known to have been refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tenantry.dataplane.engine.core.control import RETRIABLE
from tenantry.dataplane.engine.core.state import ExecutionStatus
from tenantry.language.plan.model import CallPlan
from tests.support.reliability.exhaustive.histories import Call, Core, History, Outcome, ViolationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenantry.language.plan.model import Plan, TaskPlan
    from tests.support.reliability.exhaustive.histories import Step

NOBODY: Final = 2
"""The owner of what was handed over."""


class Commit(NamedTuple):
    """What a writer asks the database to write: the events of a history from a place on.

    `owner` is who owns the execution afterwards: an executor, `NOBODY`, or nobody at all.
    """

    start: int
    history: History
    epoch: int
    revision: int
    owner: int | None


class Row(NamedTuple):
    """What the database holds: the execution's row, which says where it stands, and its journal."""

    owner: int | None
    epoch: int
    revision: int
    said: History
    journal: History


class Memory(NamedTuple):
    """An executor that runs the execution.

    Attributes:
        taken: how many events its writer has taken into commits; `durable` how many it knows to be committed.
        calls: attempts in flight, or waiting to be sent.
        commit: sent to the database, the answer outstanding.
        released: it leaves the execution to others; `let_go` when a commit has been taken that says so.
        last: the latest outcome it heard of.
    """

    history: History
    epoch: int
    revision: int = 0
    taken: int = 0
    durable: int = 0
    calls: frozenset[Call] = frozenset()
    commit: Commit | None = None
    released: bool = False
    let_go: bool = False
    last: Outcome | None = None


class Sent(NamedTuple):
    """A call that may have had its effect."""

    path: str
    run: int
    attempt: int
    epoch: int


class World(NamedTuple):
    """Everything there is.

    Attributes:
        stray: commits of executors that are gone, which the database may still get.
        sent: calls, not safe ones, that may have had their effect.
        known: the longest history that somebody was told is durable.
        left: how many disturbances may still come.
    """

    now: float
    row: Row | None
    memories: tuple[Memory | None, Memory | None]
    stray: frozenset[Commit]
    sent: frozenset[Sent]
    known: History
    left: int


class Rules(NamedTuple):
    """How the parts around the core behave. Any other rules are there to be found out.

    Attributes:
        fenced: a commit under another epoch than the row's writes nothing.
        raises_epoch: whoever takes an execution raises its epoch.
        durable_first: an unsafe call waits until what led to it is durable.
        settles_first: whoever takes what is paused recovers it first, if calls were left in flight.
    """

    fenced: bool = True
    raises_epoch: bool = True
    durable_first: bool = True
    settles_first: bool = True


class Model:
    """The transitions of worlds of one plan."""

    def __init__(self, plan: Plan, rules: Rules | None = None) -> None:
        self.core, self.rules, self.tasks = Core(plan), rules or Rules(), dict(_tasks(plan))

    def first(self, disturbances: int) -> World:
        """An execution has just been submitted to the first executor."""
        nothing, none = self.core.nothing, frozenset[Any]()
        world = World(0.0, None, (None, None), none, none, nothing, disturbances)
        return self._with(world, 0, self._go_on(Memory(nothing, epoch=1), self.core.submit()))

    def successors(self, world: World) -> Iterator[tuple[str, World]]:
        """What can happen next, in words, and the world after it.

        Raises:
            ViolationError: what happens next must never happen.
        """
        for number, memory in enumerate(world.memories):
            if memory is not None:
                yield from self._writes(world, number, memory)
                if world.left:
                    yield f"{number} crashes", self._without(_disturbed(world), number)
                if not self.is_over(memory):
                    yield from self._hears(world, number, memory)
                    yield from self._is_told(world, number, memory)
            yield from self._takes(world, number, memory)
        for commit in world.stray:
            row, _ = self._write(world.row, commit)
            yield "a stray commit arrives", world._replace(row=row, stray=world.stray - {commit})

    def progress(self, world: World) -> World | None:
        """What happens when nothing disturbs any more; `None` when everything is at rest."""
        for number, memory in enumerate(world.memories):
            if memory is not None:
                step = next(self._writes(world, number, memory), None)
                if step is None and not self.is_over(memory):
                    step = next(self._hears(world, number, memory), None)
                if step is not None:
                    return step[1]
        return next((after for _, after in self._takes(world._replace(left=0), 0, None)), None)

    def is_over(self, memory: Memory) -> bool:
        """Whether the executor does nothing more than write."""
        return memory.released or self.core.view(memory.history).ended

    # The journal's writer and the database

    def _writes(self, world: World, number: int, memory: Memory) -> Iterator[tuple[str, World]]:
        if memory.commit is not None:
            yield f"{number} hears of its commit", self._settle(world, number, memory, memory.commit)
            row, written = self._write(world.row, memory.commit)
            if world.left and written and row != world.row:
                yield f"the answer to a commit of {number} is lost", _disturbed(world)._replace(row=row)
        elif memory.taken < len(memory.history) or memory.released > memory.let_go:
            taken, commit = self._take(number, memory)
            yield f"{number} commits", self._settle(world, number, taken, commit)
            if world.left:
                yield f"{number} sends a commit", self._with(_disturbed(world), number, taken)

    def _take(self, number: int, memory: Memory) -> tuple[Memory, Commit]:
        view = self.core.view(memory.history)
        owner: int | None = number
        if view.ended or (memory.released and view.status is ExecutionStatus.PAUSED):
            owner = None
        elif memory.released:
            owner = NOBODY
        revision = memory.revision + 1
        commit = Commit(memory.taken, memory.history, memory.epoch, revision, owner)
        taken = memory._replace(
            taken=len(memory.history), revision=revision, let_go=memory.released, commit=commit
        )
        return taken, commit

    def _settle(self, world: World, number: int, memory: Memory, commit: Commit) -> World:
        """The database writes a commit, or not, and its executor hears of it."""
        row, written = self._write(world.row, commit)
        world = world._replace(row=row)
        if not written:
            return self._without(world, number, keeps=commit)  # it has lost the execution
        known = commit.history if len(commit.history) > len(world.known) else world.known
        settled = memory._replace(durable=len(commit.history), commit=None)
        return self._with(world._replace(known=known), number, settled)

    def _write(self, row: Row | None, commit: Commit) -> tuple[Row | None, bool]:
        """The row and journal after the one statement, and whether it wrote."""
        journal = self.core.nothing if row is None else row.journal
        if row is not None and self.rules.fenced and commit.epoch != row.epoch:
            return row, False
        if row is not None and commit.revision < row.revision:
            return row, False
        if commit.start > len(journal):
            raise ViolationError(f"event {len(journal) + 1} is missing: the next one is {commit.start + 1}")
        if commit.start == len(journal):
            if not journal.begins(commit.history):
                raise ViolationError("a commit goes on from another history than the journal's")
            journal = commit.history
        elif not commit.history.begins(journal):
            raise ViolationError(f"event {commit.start + 1} was written twice, and not the same")
        return Row(commit.owner, commit.epoch, commit.revision, commit.history, journal), True

    # The driver

    def _hears(self, world: World, number: int, memory: Memory) -> Iterator[tuple[str, World]]:
        """Attempts end; the good end is the first."""
        for call in sorted(memory.calls):
            if not self._is_sent(memory, call):
                continue
            for kind in ("ok", *(("busy", "gone", "slow") if world.left else ())):
                if kind == "ok" or self._can_be(world, memory, call, kind):
                    outcome = Outcome(call.path, call.attempt, kind)
                    after = world if kind == "ok" else _disturbed(world)
                    yield f"{number} hears {kind} of {call.path}", self._tell(after, number, memory, outcome)
        if world.left and memory.last is not None:
            again = self._tell(_disturbed(world), number, memory, memory.last)
            yield f"{number} hears {memory.last.kind} of {memory.last.path} again", again

    def _can_be(self, world: World, memory: Memory, call: Call, kind: str) -> bool:
        """An upstream that knows the key answers as it did, or may have done, before."""
        if kind == "slow":
            return call.need > 0
        others = (one for one in world.sent if one.path == call.path and one != _sent(memory, call))
        return not (self.tasks[call.path].repeatable and any(others))

    def _tell(self, world: World, number: int, memory: Memory, outcome: Outcome) -> World:
        step = self.core.told(memory.history, outcome, world.now)
        if outcome.kind in ("busy", "gone"):
            refused = Sent(outcome.path, memory.history.run, outcome.attempt, memory.epoch)
            world = world._replace(sent=world.sent - {refused})
        return self._with(world, number, self._go_on(memory._replace(last=outcome), step))

    def _is_told(self, world: World, number: int, memory: Memory) -> Iterator[tuple[str, World]]:
        """Somebody wants something of it; its time is over; its process stops."""
        view, now = self.core.view(memory.history), world.now

        def act(what: str, step: Step, at: float = now) -> tuple[str, World]:
            after = self._with(_disturbed(world)._replace(now=at), number, self._go_on(memory, step))
            return f"{number} is told to {what}", after

        if view.status is ExecutionStatus.PAUSED:
            step = self.core.resume(memory.history, now)
            yield f"{number} is told to resume", self._with(world, number, self._go_on(memory, step))
        if not world.left:
            return
        yield act("pause", self.core.pause(memory.history, now))
        yield act("cancel", self.core.cancel(memory.history, now))
        if view.status is ExecutionStatus.RUNNING:
            late = max(now, view.deadline_at)
            yield act("look at its deadline", self.core.wait(memory.history, late), late)
        handed_over = memory._replace(released=True, calls=frozenset())
        yield f"{number} hands it over", self._with(_disturbed(world), number, handed_over)

    def _go_on(self, memory: Memory, step: Step) -> Memory:
        view = self.core.view(step.history)
        kept = {call for call in memory.calls if (call.path, call.attempt) in view.running}
        calls = step.begun | kept
        released = view.status is ExecutionStatus.PAUSED and not calls
        return memory._replace(history=step.history, calls=calls, released=released)

    # Ownership and control

    def _takes(self, world: World, number: int, memory: Memory | None) -> Iterator[tuple[str, World]]:
        """What an executor may take: an orphan; or what nobody runs, because somebody wants something."""
        row = world.row
        if row is None:
            return
        if self._lives(world, row):
            if world.left:
                yield self._taken(_disturbed(world), number, "takes it from a living one", self.core.recover)
            return
        if row.owner is not None:
            yield self._taken(world, number, "takes it over", self.core.recover)
        if memory is None or self.is_over(memory):
            yield from self._takes_to(world, number, self.core.view(row.journal).status)

    def _takes_to(self, world: World, number: int, status: ExecutionStatus) -> Iterator[tuple[str, World]]:
        wishes: tuple[str, ...] = ()
        if status is ExecutionStatus.PAUSED:
            wishes = ("resume", "cancel") if world.left else ("resume",)
        elif status in RETRIABLE and world.left:
            wishes = ("retry",)
        for what in wishes:

            def act(history: History, now: float, what: str = what) -> Step:
                return self.core.take_to(what, history, now, settle=self.rules.settles_first)

            after = world if what == "resume" else _disturbed(world)
            yield self._taken(after, number, f"takes it to {what}", act)

    def _lives(self, world: World, row: Row) -> bool:
        """Whether the owner is there; it may be declared dead all the same."""
        if row.owner is None or row.owner == NOBODY:
            return False
        owner = world.memories[row.owner]
        return owner is not None and owner.epoch == row.epoch

    def _taken(
        self, world: World, number: int, how: str, act: Callable[[History, float], Step]
    ) -> tuple[str, World]:
        row = world.row
        assert row is not None  # else there is nothing to take
        journal, epoch = row.journal, row.epoch + (1 if self.rules.raises_epoch else 0)
        taken = Memory(journal, epoch, taken=len(journal), durable=len(journal))
        world = self._without(world, number)._replace(row=row._replace(owner=number, epoch=epoch, revision=0))
        memory = self._go_on(taken, act(journal, world.now))
        if memory.history is journal and self.core.view(journal).ended:
            memory = memory._replace(released=True)  # whoever took it to retry died before that was written
        return f"{number} {how}", self._with(world, number, memory)

    # Worlds

    def _with(self, world: World, number: int, memory: Memory) -> World:
        """The world after an executor went on."""
        if memory.last is not None and not world.left:
            memory = memory._replace(last=None)
        sent = {_sent(memory, call) for call in memory.calls if call.need and self._is_sent(memory, call)}
        if not sent <= world.sent:
            world = world._replace(sent=world.sent | sent)
        is_done = memory.commit is None and memory.durable == len(memory.history)
        if is_done and self.is_over(memory) and memory.let_go == memory.released:
            return self._without(world, number)
        return world._replace(memories=_placed(world.memories, number, memory))

    def _without(self, world: World, number: int, keeps: Commit | None = None) -> World:
        """The world after an executor forgot the execution; a commit of its may still be on its way."""
        memory = world.memories[number]
        stray = world.stray
        if memory is not None and memory.commit is not None and memory.commit is not keeps:
            stray |= {memory.commit}
        return world._replace(memories=_placed(world.memories, number, None), stray=stray)

    def _is_sent(self, memory: Memory, call: Call) -> bool:
        return call.need <= memory.durable or not self.rules.durable_first


def _tasks(plan: Plan) -> Iterator[tuple[str, TaskPlan]]:
    for step in plan.graph.steps:
        action = step.action
        for suffix, body in (
            ("", action.body),
            ("~fallback", action.fallback),
            ("~compensate", action.compensate),
        ):
            if isinstance(body, CallPlan):
                yield f"{step.id}{suffix}", body.task


def _sent(memory: Memory, call: Call) -> Sent:
    return Sent(call.path, memory.history.run, call.attempt, memory.epoch)


def _disturbed(world: World) -> World:
    return world._replace(left=world.left - 1)


def _placed(
    memories: tuple[Memory | None, Memory | None], number: int, memory: Memory | None
) -> tuple[Memory | None, Memory | None]:
    return (memory, memories[1]) if number == 0 else (memories[0], memory)
