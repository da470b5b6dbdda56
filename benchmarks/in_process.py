"""The rows measured inside this process, each beside a fixed piece of interpreter work.

The absolute time is compared with DESIGN's target; what the baseline keeps is how many times the fixed work
it takes, which is much the same on a slow machine and a fast one.
"""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING, Any, Final

import uvloop

from benchmarks.documents import HUNDRED, make_bundle, make_chain, make_hundred, make_large, make_tasks
from benchmarks.rows import Better, Row
from tenantry.dataplane.bundles.contents import Contents
from tenantry.dataplane.bundles.plans import Plans
from tenantry.dataplane.cache.results import ResultCache
from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.dataplane.clock import SteadyClock
from tenantry.dataplane.engine.core.events import WorkflowSubmitted
from tenantry.dataplane.engine.core.state import ExecutionState
from tenantry.dataplane.engine.driver import Run
from tenantry.dataplane.engine.record import ExecutionRecord
from tenantry.dataplane.identifiers import new_execution_id
from tenantry.dataplane.limits.memory import MemoryLimitStore
from tenantry.dataplane.tasks.http_client import HttpResponse
from tenantry.dataplane.tasks.runner import CallRunner
from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import load_document
from tenantry.language.documents.reading import read
from tenantry.language.plan.compile import compile_task, compile_workflow
from tenantry.language.validation import Library, validate_workflow
from tenantry.tenants.identity import Instant, TenantId
from tenantry.tenants.limits import limits_of
from tenantry.tenants.spec import TenantSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.tasks.http_client import HttpRequest
    from tenantry.language.plan.model import Plan

_REPEATS: Final = 15
TENANT: Final = TenantId("bench")
_UPSTREAM: Final = "http://127.0.0.1:1"

GENEROUS_LIMITS: Final = limits_of(
    TenantSpec.model_validate(
        {
            "quotas": {
                "maxConcurrentWorkflows": 100,
                "maxWorkflowsPerHour": 1_000_000_000,
                "maxWorkflowsPerDay": 1_000_000_000,
            },
            "rateLimit": {"requestsPerSecond": 1_000_000_000},
        }
    )
)
"""Every kind of limit, none of which is reached."""


def measure_engine() -> list[Row]:
    """The engine's own time per task: from the plan to the outcome, all of the call included but the wire."""
    plan = _compile(make_chain())
    executions = 500

    def run() -> None:
        uvloop.run(_run_executions(plan, executions))

    return [_row("engine time per task", run, executions * len(plan.graph.steps), target_us=60)]


def measure_control_flow() -> list[Row]:
    """What an item of a loop costs the engine beyond a plain task; and what a task one level further in does.

    A hundred calls are made as steps, as items, and as nested tasks each in an item: the differences count.
    """
    executions = 10
    plans = {shape: _compile(make_hundred(shape)) for shape in ("steps", "items", "nested")}
    seconds: dict[str, list[float]] = {shape: [] for shape in plans}
    fixed: list[float] = []
    for _ in range(_REPEATS):
        fixed.append(_seconds(_fixed_work))
        for shape, plan in plans.items():
            seconds[shape].append(_seconds(lambda plan=plan: uvloop.run(_run_executions(plan, executions))))  # type: ignore[misc]  # mypy knows no type for the default
    best = {shape: min(times) / (executions * HUNDRED) * 1e6 for shape, times in seconds.items()}
    return [
        _difference("control flow: an item over a step", best["items"] - best["steps"], min(fixed)),
        _difference("control flow: nested tasks in an item", best["nested"] - best["items"], min(fixed)),
    ]


def _difference(name: str, our_us: float, fixed_seconds: float) -> Row:
    fixed_us, target_us = fixed_seconds * 1e6, 20
    return Row(
        name=name,
        ours=f"{our_us:,.1f} µs",
        beside=f"{fixed_us:,.0f} µs fixed work",
        ratio=max(our_us, 0.0) / fixed_us,
        better=Better.LOWER,
        target=f"≤ {target_us} µs",
        met=our_us <= target_us,
    )


def measure_validation() -> list[Row]:
    """All checks of workflows of fifty and five hundred tasks, from the stored document to the findings."""
    library = Library(tasks=_read_tasks())
    return [
        _validation(library, make_large(50), "validation of 50 tasks", target_us=10_000),
        _validation(library, make_large(500), "validation of 500 tasks", target_us=150_000),
    ]


def _validation(library: Library, raw: dict[str, Any], name: str, *, target_us: float) -> Row:
    document = load_document(raw)
    _, findings = validate_workflow(document, library)
    assert not findings, findings[0]
    return _row(name, lambda: validate_workflow(document, library), 1, target_us=target_us)


def measure_compilation() -> list[Row]:
    """Ten thousand workflows of a bundle made ready to run, from their documents: what a restart costs.

    They are chains of three, fan-outs of five, and workflows of ten steps of which one is another workflow.
    """
    workflows = 10_000
    bundle = make_bundle(workflows)
    names = [item.name for item in bundle.definitions if item.kind == "Workflow"]
    assert len(names) == workflows

    def run() -> None:
        plans = Plans(Contents(bundle), lambda _: True)
        for name in names:
            plans.get(name)

    return [_row("compilation of a workflow", run, workflows, target_us=1000, repeats=3)]


def measure_limits() -> list[Row]:
    """One limit decision in memory, rate, quotas and concurrency together, and the lease's return."""
    decisions = 5000

    def run() -> None:
        uvloop.run(_decide_often(decisions))

    return [_row("limit decision in memory", run, decisions, target_us=10)]


def _row(
    name: str, work: Callable[[], object], units: int, *, target_us: float, repeats: int = _REPEATS
) -> Row:
    """Times the work and the fixed work in turns and takes the best of each: noise only ever adds."""
    ours: list[float] = []
    fixed: list[float] = []
    for _ in range(repeats):
        fixed.append(_seconds(_fixed_work))
        ours.append(_seconds(work) / units)
    our_us, fixed_us = min(ours) * 1e6, min(fixed) * 1e6
    return Row(
        name=name,
        ours=f"{our_us:,.1f} µs",
        beside=f"{fixed_us:,.0f} µs fixed work",
        ratio=our_us / fixed_us,
        better=Better.LOWER,
        target=f"≤ {target_us:,.0f} µs",
        met=our_us <= target_us,
    )


def _fixed_work() -> int:
    """What any Python does all day: dictionaries, strings, calls, in about the share our code has them."""
    counts: dict[str, int] = {}
    for index in range(2000):
        name = f"task-{index % 50}"
        counts[name] = counts.get(name, 0) + len(name)
    return sum(counts.values())


def _seconds(work: Callable[[], object]) -> float:
    # Processor time: nothing here waits, and what else runs on the machine does not count.
    start = process_time()
    work()
    return process_time() - start


def _read_tasks() -> dict[str, WorkflowTask]:
    tasks = {}
    for raw in make_tasks(_UPSTREAM):
        task, findings = read(load_document(raw), WorkflowTask)
        assert task is not None, findings
        tasks[task.name] = task
    return tasks


def _compile(raw: dict[str, Any]) -> Plan:
    workflow, findings = read(load_document(raw), Workflow)
    assert workflow is not None, findings
    tasks = {name: compile_task(task, name) for name, task in _read_tasks().items()}
    return compile_workflow(workflow, tasks, version=1, digest="bench")


class _CannedClient:
    """Answers every request at once with what the upstream would have: all of a call but the wire."""

    _RESPONSE: Final = HttpResponse(
        200,
        {"content-type": "application/json"},
        b'{"id":7,"email":"ada@customers.example","latest":5001,"total":3,"netCents":10710,"currency":"EUR"}',
    )

    async def send(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002  (the port's signature)
        return self._RESPONSE

    async def close(self) -> None:
        pass


class _NoJournal:
    """Remembers nothing: the journal has its own part in the rows over HTTP."""

    def record(self, record: ExecutionRecord) -> None:
        record.pending.clear()

    async def durable(self, record: ExecutionRecord) -> None:
        pass


async def _run_executions(plan: Plan, executions: int) -> None:
    clock, journal = SteadyClock(), _NoJournal()
    runner = CallRunner(
        tenant=TENANT,
        client=_CannedClient(),
        circuits=MemoryCircuits(),
        cache=ResultCache(),
        clock=clock,
    )
    for _ in range(executions):
        now = clock()
        execution_id = new_execution_id(now)
        run = Run(
            ExecutionState(plan, execution_id, TENANT),
            ExecutionRecord(TENANT, execution_id, plan, now),
            runner=runner,
            journal=journal,
            clock=clock,
            when_over=_nothing,
        )
        run.start(
            WorkflowSubmitted(
                at=now,
                workflow=plan.workflow,
                version=1,
                digest=plan.digest,
                input={"userId": 7},
                actor="bench",
                seed=1,
                deadline_at=now + plan.deadline_seconds,
            )
        )
        await run.wait()
        assert run.state.failure is None, run.state.failure


def _nothing(_run: Run) -> None:
    """Nobody waits to hear that a run is over."""


async def _decide_often(decisions: int) -> None:
    store, clock = MemoryLimitStore(), SteadyClock()
    for index in range(decisions):
        execution_id = str(index)
        await store.admit(TENANT, GENEROUS_LIMITS, execution_id, Instant(clock()))
        store.release(TENANT, execution_id)
