"""What must be true of every world, wherever things stand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.support.reliability.exhaustive.histories import ViolationError

if TYPE_CHECKING:
    from tests.support.reliability.exhaustive.model import Memory, Model, Row, World


def check(model: Model, world: World) -> None:
    """Raises `ViolationError` when a claim does not hold."""
    row = world.row
    journal = model.core.nothing if row is None else row.journal
    _holds(world.known.begins(journal), "what somebody was told is durable is not in the journal")
    for memory in world.memories:
        if memory is not None:
            _check_memory(model, world, memory)
    epochs = [memory.epoch for memory in world.memories if memory is not None]
    _holds(len(epochs) == len(set(epochs)), "two executors have the execution under the same epoch")
    _check_effects(model, world)
    if row is not None:
        _check_row(model, world, row)


def _check_memory(model: Model, world: World, memory: Memory) -> None:
    row, history = world.row, memory.history
    journal = model.core.nothing if row is None else row.journal
    _holds(history.line[memory.durable].begins(journal), "what an executor knows to be durable is not")
    if row is not None and memory.epoch == row.epoch:
        _holds(journal.begins(history), "the journal says another history than the owner's")
    if not model.is_over(memory):
        believed = model.core.view(history).running
        in_flight = {(call.path, call.attempt) for call in memory.calls}
        _holds(believed == in_flight, f"{sorted(believed ^ in_flight)} is in flight, or is not")


def _check_effects(model: Model, world: World) -> None:
    started = frozenset[tuple[str, int, int]]() if world.row is None else world.row.journal.started
    kept = frozenset[tuple[str, int]]() if world.row is None else world.row.journal.kept
    for one in world.sent:
        _holds((one.path, one.run, one.attempt) in started, f"{one.path} was sent before that was journaled")
        _holds((one.path, one.run) not in kept, f"{one.path} was done, and is done again")
    times = Counter((one.path, one.run) for one in world.sent if not model.tasks[one.path].repeatable)
    twice = [path for (path, _), count in times.items() if count > 1]
    _holds(not twice, f"{twice} may have had an effect twice")


def _check_row(model: Model, world: World, row: Row) -> None:
    _holds(row.said is row.journal, "the row says something else than the journal")
    if not model.core.view(row.journal).ended:
        return
    journal = row.journal
    told = journal.completed | journal.unknown
    for one in world.sent:
        _holds((one.path, one.run) in told, f"{one.path} may have had an effect, and nobody is told of it")
    sent = {(one.path, one.run) for one in world.sent}
    for path, run in journal.completed:
        _holds(model.tasks[path].safe or (path, run) in sent, f"{path} completed and was never sent")


def _holds(claim: bool, otherwise: str) -> None:  # noqa: FBT001  (that is what it is about)
    if not claim:
        raise ViolationError(otherwise)
