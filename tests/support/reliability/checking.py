"""What must be true of a simulated world once everything has come to its end, whatever happened before."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.engine.core.events import (
    DeadLettered,
    TaskCompleted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowSubmitted,
)
from tenantry.dataplane.engine.core.evolve import evolve
from tenantry.dataplane.engine.core.state import ENDED, ExecutionState
from tests.support.reliability.database import events_of
from tests.support.reliability.workload import TENANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.dataplane.engine.core.events import AnyEvent
    from tests.support.reliability.database import Execution
    from tests.support.reliability.report import Answer, Report
    from tests.support.reliability.world import World

_ABOUT_AN_EXECUTION: Final = frozenset({200, 202, 502, 504})


def violations(world: World, report: Report) -> Iterator[str]:
    """Every breach of a promise, as a sentence."""
    for one in world.database.executions.values():
        events = events_of(world.database, one.tenant, one.id)
        yield from _of_journal(world, one)
        yield from _of_end(world, one, events)
        yield from _of_effects(world, one, events, report)
        yield from _of_what_is_told_once(world, one, events)
    for answer in report.answers:
        yield from _of_answer(world, answer)
    yield from _of_keys(report)
    ends = sum(_ends(events_of(world.database, *name)) for name in world.database.executions)
    if len(world.database.usage) != ends:
        yield f"usage is told {len(world.database.usage)} times of {ends} ends"


def _of_journal(world: World, one: Execution) -> Iterator[str]:
    expected = 1
    for segment in sorted(world.database.journal.get((one.tenant, one.id), [])):
        if segment.first_sequence != expected:
            yield f"{one.id}: event {expected} is missing or there twice"
            return
        expected += len(json.loads(segment.events))


def _of_end(world: World, one: Execution, events: list[AnyEvent]) -> Iterator[str]:
    state = ExecutionState(world.plans[one.plan], one.id, one.tenant)
    try:
        for event in events:
            evolve(state, event)
    except (LookupError, AttributeError, ValueError) as error:
        yield f"{one.id} cannot be folded: {error!r}"
        return
    if state.status != one.status:
        yield f"{one.id} is {one.status}, and its journal says {state.status}"
    if one.status not in ENDED:
        yield f"{one.id} is {one.status} for ever, owned by {one.owner}"
    elif one.owner is not None:
        yield f"{one.id} ended and is still owned by {one.owner}"


def _of_effects(world: World, one: Execution, events: list[AnyEvent], report: Report) -> Iterator[str]:
    mine = [effect for effect in world.effects if effect.execution == one.id]
    if any(effect.tenant != one.tenant for effect in mine):
        yield f"{one.id} of {one.tenant} had an effect as another tenant"
    # `ship` and `tell` are a call each that may not be repeated; a retry repeats what somebody looked at.
    shipped = sum(effect.path == "ship" for effect in mine)
    if shipped > 2 and one.id not in report.retried:
        yield f"{one.id} shipped {shipped} times"
    completed = [event.task for event in events if isinstance(event, TaskCompleted) and not event.reused]
    if len(completed) != len(set(completed)) and "charge~compensate" not in completed:
        yield f"{one.id} did again what it had done: {sorted(completed)}"


def _of_what_is_told_once(world: World, one: Execution, events: list[AnyEvent]) -> Iterator[str]:
    """A dead letter for each that was decided; a callback for each end that was to be told of."""
    database = world.database
    letters = sum(holder == (one.tenant, one.id) for holder in database.letters.values())
    decided = sum(isinstance(event, DeadLettered) for event in events)
    if letters != decided:
        yield f"{one.id} has {letters} dead letters, and its journal says {decided}"
    wanted = any(isinstance(event, WorkflowSubmitted) and event.callback for event in events)
    told = sum(name[:2] == (one.tenant, one.id) for name in database.callbacks)
    if told != _ends(events) * wanted:
        yield f"{one.id} has {told} callbacks for {_ends(events)} ends"


def _of_answer(world: World, answer: Answer) -> Iterator[str]:
    one = world.database.executions.get((answer.tenant, answer.execution))
    others = [tenant for tenant in TENANTS if tenant != answer.tenant]
    if any(other in json.dumps(answer.body) for other in others):
        yield f"{answer.tenant} was told of another tenant: {answer.body}"
    if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        yield f"{answer.execution} was answered 500: {answer.body}"
    if answer.status == HTTPStatus.ACCEPTED and one is None:
        yield f"{answer.execution} was accepted and is lost"
    if answer.status == HTTPStatus.OK:
        expected = {"item": answer.item, "tenant": answer.tenant, "execution": answer.execution}
        if answer.body != expected:
            yield f"{answer.tenant} asked for {answer.item} and was told {answer.body}"
        if one is None or one.status != "completed":
            yield f"{answer.execution} was answered 200 and is {one and one.status}"


def _of_keys(report: Report) -> Iterator[str]:
    """A key stands for one execution: nobody was told of two, nor an end after another end."""
    told: dict[tuple[str, str], set[str]] = {}
    for answer in report.answers:
        if answer.key and answer.status in _ABOUT_AN_EXECUTION and answer.execution:
            told.setdefault((answer.tenant, answer.key), set()).add(answer.execution)
        if answer.asked_again and answer.status == HTTPStatus.ACCEPTED:
            yield f"{answer.key} of {answer.tenant} was not answered with its end"
    for (tenant, key), executions in told.items():
        if len(executions) > 1:
            yield f"{key} of {tenant} stands for {sorted(executions)}"


def _ends(events: list[AnyEvent]) -> int:
    return sum(isinstance(one, WorkflowCompleted | WorkflowFailed | WorkflowCancelled) for one in events)
