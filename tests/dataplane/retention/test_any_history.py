"""Whatever happens in whatever order, against a model of a few lines: nothing is lost early or kept for ever.

Executions of two tenants begin and end, policies change, time passes, cleanups are made. The database is one
for all examples; each begins with empty tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tenantry.dataplane.retention.cleanups import Cleanups
from tenantry.dataplane.tasks.pooled_client import PooledClient
from tests.support.cleaning import House
from tests.support.executions import NOON
from tests.support.kept import DAY, Clock, Shelf
from tests.support.tenants import make_registry

if TYPE_CHECKING:
    import asyncpg

TENANTS = ("acme", "globex")
WORKFLOW = """
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: own}
spec: {retention: {executionHistory: %dd, taskTraces: %dd}, tasks: [{id: a, taskRef: echo}]}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: echo}
spec: {type: transform, value: 1}
"""

DAYS = st.integers(1, 4)
SAID = st.fixed_dictionaries({}, optional={"executionHistory": DAYS, "taskTraces": DAYS})
TENANT = st.sampled_from(TENANTS)
PUT = st.tuples(
    st.just("put"),
    TENANT,
    st.sampled_from(["own", "plain"]),
    st.sampled_from([0, 20, 24, 48, 72]),
    st.booleans(),
)
CHANGE = st.one_of(
    PUT,
    PUT,
    st.tuples(st.just("end"), st.integers(0, 20)),
    st.tuples(st.just("say"), TENANT, SAID, DAYS, DAYS),
)
ROUND = st.tuples(
    st.lists(CHANGE, max_size=3),
    st.tuples(st.just("wait"), st.sampled_from([6, 12, 24, 24, 48])),
    st.lists(st.tuples(st.just("clean"), TENANT), max_size=2),
).map(lambda parts: [*parts[0], parts[1], *parts[2]])

RAISED_BEFORE_THE_DAY_GOES: list[tuple[Any, ...]] = [
    ("put", "globex", "plain", 48, True),
    ("clean", "globex"),
    ("wait", 12),
    ("say", "globex", {"executionHistory": 4}, 4, 4),
    ("wait", 24),
    ("clean", "acme"),
]
RAISED_AFTER_THE_TRACE_WENT: list[tuple[Any, ...]] = [
    ("say", "acme", {"executionHistory": 4, "taskTraces": 1}, 4, 4),
    ("put", "acme", "plain", 24, True),
    ("put", "acme", "plain", 24, False),
    ("clean", "acme"),
    ("wait", 24),
    ("clean", "acme"),
    ("say", "acme", {"executionHistory": 4, "taskTraces": 4}, 4, 4),
    ("clean", "acme"),
]


@dataclass
class One:
    """An execution as the model has it; instants are epoch seconds."""

    id: str
    tenant: str
    workflow: str
    ended_at: float | None
    hidden: float | None = None
    trace_hidden: float | None = None
    gone: bool = False
    trace_gone: bool = False


@dataclass
class Said:
    """What holds for a tenant, in days."""

    tenant: dict[str, int] = field(default_factory=dict)
    own: tuple[int, int] = (30, 14)

    def periods(self, workflow: str) -> tuple[float, float]:
        """History and traces of a workflow's executions, in seconds."""
        said = {"executionHistory": self.own[0], "taskTraces": self.own[1]} if workflow == "own" else {}
        layers = (self.tenant, said, {"executionHistory": 30, "taskTraces": 14})
        (history, of_history), (traces, of_traces) = (
            next((layer[name], level) for level, layer in enumerate(layers) if name in layer)
            for name in ("executionHistory", "taskTraces")
        )
        if traces > history and of_traces < of_history:
            history = traces
        return history * DAY, min(traces, history) * DAY


class Model:
    """What should be there, beside what is."""

    def __init__(self, house: House, shelf: Shelf) -> None:
        self.house, self.shelf, self.clock = house, shelf, house.clock
        self.all: list[One] = []
        self.said = {tenant: Said() for tenant in TENANTS}

    async def act(self, name: str, *values: Any) -> None:
        """Does one thing."""
        await getattr(self, name)(*values)

    async def put(self, tenant: str, workflow: str, hours: int, ended: bool) -> None:  # noqa: FBT001  (drawn)
        """An execution that ended so many hours ago, or has been running since."""
        status = "completed" if ended else "running"
        days = hours / 24
        execution_id = await self.shelf.put(tenant=tenant, workflow=workflow, days=days, status=status)
        ended_at = self.clock() - days * DAY if ended else None
        self.all.append(One(execution_id, tenant, workflow, ended_at))

    async def end(self, which: int) -> None:
        """One that runs ends now."""
        running = [one for one in self.all if one.ended_at is None]
        if running:
            one = running[which % len(running)]
            one.ended_at = self.clock()
            await self.shelf.database.execute(
                "UPDATE executions SET status = 'failed', owner = NULL, ended_at = to_timestamp($2)"
                " WHERE id = $1::uuid",
                one.id,
                one.ended_at,
            )

    async def wait(self, hours: int) -> None:
        """Time passes."""
        self.clock.move(seconds=hours * 3600)

    async def say(self, tenant: str, said: dict[str, int], history: int, traces: int) -> None:
        """A tenant and its workflow say something else."""
        self.said[tenant] = Said(said, (history, traces))
        spec = {name: f"{days}d" for name, days in said.items()}
        await self.house.serve(tenant, documents=WORKFLOW % (history, traces), **spec)

    async def clean(self, tenant: str) -> None:
        """A cleanup; what is there afterwards is what the model says."""
        await self.house.counted(tenant)
        now = self.clock()
        for one in self.all:
            if one.tenant == tenant:
                self._judge(one, now)
        await self._note_dropped_days(next(other for other in TENANTS if other != tenant), now)
        mine = [one for one in self.all if one.tenant == tenant]
        assert await self.shelf.shown(tenant) == {
            one.id for one in mine if not one.gone and one.hidden is None
        }
        assert await self.shelf.stored(tenant) == {one.id for one in mine if not one.gone}
        assert await self.shelf.journaled(tenant) == {one.id for one in mine if not one.trace_gone}
        assert await self.shelf.traced(tenant) == {
            one.id for one in mine if one.hidden is None and one.trace_hidden is None and not one.trace_gone
        }

    def _judge(self, one: One, now: float) -> None:
        history, traces = self._expired(one, now)
        one.hidden = _hidden(one.hidden, now, expired=history)
        one.gone = one.gone or (one.hidden is not None and one.hidden + DAY <= now)
        if not one.trace_gone:
            one.trace_hidden = _hidden(one.trace_hidden, now, expired=traces)
            one.trace_gone = one.gone or (one.trace_hidden is not None and one.trace_hidden + DAY <= now)

    def _expired(self, one: One, now: float) -> tuple[bool, bool]:
        history, traces = self.said[one.tenant].periods(one.workflow)
        end = one.ended_at
        return end is not None and end + history <= now, end is not None and end + traces <= now

    async def _note_dropped_days(self, tenant: str, now: float) -> None:
        """The other tenant lost nothing but what it would have lost itself."""
        stored, journaled = await self.shelf.stored(tenant), await self.shelf.journaled(tenant)
        for one in self.all:
            if one.tenant != tenant:
                continue
            history, traces = self._expired(one, now)
            if not one.gone and one.id not in stored:
                assert history
                assert one.hidden is not None
                assert one.hidden + DAY <= now
                one.gone = True
            if not one.trace_gone and one.id not in journaled:
                assert traces
                assert one.trace_hidden is not None
                assert one.trace_hidden + DAY <= now
                one.trace_gone = True


def _hidden(since: float | None, now: float, *, expired: bool) -> float | None:
    if not expired:
        return None
    return now if since is None else since


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rounds=st.lists(ROUND, min_size=3, max_size=9))
@example(rounds=[RAISED_BEFORE_THE_DAY_GOES])
@example(rounds=[RAISED_AFTER_THE_TRACE_WENT])
async def test_nothing_is_lost_early_and_nothing_is_kept_for_ever(
    pool: asyncpg.Pool[asyncpg.Record], database: asyncpg.Connection, rounds: list[list[tuple[Any, ...]]]
) -> None:
    await database.execute("TRUNCATE executions, journal, cleanup_log")
    clock = Clock(NOON)
    registry = make_registry(PooledClient)
    house = House(pool, registry, clock, Cleanups(pool, registry, clock, all_known=lambda: True))
    model = Model(house, Shelf(database, clock))
    try:
        for tenant in TENANTS:
            await model.say(tenant, {"executionHistory": 2}, 2, 1)
        for act in chain.from_iterable(rounds):
            await model.act(*act)
        for tenant in TENANTS:
            await model.clean(tenant)
    finally:
        await registry.close()
