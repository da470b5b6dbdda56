"""`python -m tests.golden.produce 0.2`: writes the histories of the present version, once.

What is there already is never written again: it is what that version did.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.events import (
    CircuitOpened,
    Failure,
    FailureCode,
    Origin,
    SecretAccessed,
    WebhookReceived,
)
from tenantry.dataplane.engine.core.forking import reusable
from tenantry.language.plan.model import RetryOn
from tenantry.protocol.problems import Source
from tenantry.tenants.identity import TenantId
from tests.support.golden import EXECUTION, FOLDER, Player
from tests.support.tenants import make_bundle, make_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENTS: Final = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: look}
spec:
  type: http
  request: {method: GET, url: "https://shop.example/look"}
  retry: {maxAttempts: 2, initialDelay: 100ms, jitter: true}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: act}
spec: {type: http, request: {method: POST, url: "https://shop.example/act", body: {given: "{{input}}"}}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: act-once}
spec:
  type: http
  request: {method: POST, url: "https://shop.example/act", headers: {Idempotency-Key: "{{execution.id}}"}}
  retry: {maxAttempts: 3, initialDelay: 1s, jitter: false}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: words}
spec: {type: transform, value: {said: "{{input}}"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: chain}
spec:
  tasks:
    - {id: a, taskRef: look}
    - {id: b, taskRef: act, input: {saw: "{{tasks.a.output.made}}"}}
    - {id: c, taskRef: words, input: {did: "{{tasks.b.output.made}}"}}
    - {id: d, taskRef: look, optional: true}
  output: {all: ["{{tasks.a.output.made}}", "{{tasks.c.output.made}}"]}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: flow}
spec:
  maxParallel: 2
  tasks:
    - id: each
      forEach: {items: "{{input.items}}", itemVar: item, maxParallel: 2, onItemFailure: continue}
      taskRef: look
    - id: route
      switch:
        value: "{{input.kind}}"
        cases: [{match: parcel, taskRef: act}]
        default: {taskRef: look}
    - id: both
      tasks: [{id: x, taskRef: look}, {id: y, taskRef: words, dependsOn: [x], input: {}}]
    - {id: never, taskRef: look, condition: {if: "{{input.kind}} == 'letter'"}}
    - {id: child, workflowRef: chain}
  output: {kind: "{{input.kind}}", child: "{{tasks.child.output.all}}"}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: sure}
spec:
  tasks:
    - {id: a, taskRef: look, fallback: {value: {made: instead}}}
    - {id: b, taskRef: look, fallback: {taskRef: words, input: {instead: of b}}}
    - {id: c, taskRef: act-once}
  output: {a: "{{tasks.a.output.made}}"}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: undone}
spec:
  tasks:
    - {id: a, taskRef: act-once, compensate: {taskRef: act-once}}
    - {id: b, taskRef: act-once, dependsOn: [a], compensate: {taskRef: act}}
    - {id: c, taskRef: look, dependsOn: [b]}
"""

BUSY: Final = Failure(
    code=FailureCode.UPSTREAM_STATUS, message="503", status=503, retry_on=RetryOn.SERVER_ERROR
)
GONE: Final = Failure(code=FailureCode.UPSTREAM_STATUS, message="410", status=410)
LATE: Final = Failure(
    code=FailureCode.UPSTREAM_TIMEOUT,
    message="no answer in time",
    source=Source.UPSTREAM,
    retry_on=RetryOn.TIMEOUT,
    outcome_unknown=True,
)


def _told(sources: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every history, by name."""

    def play(workflow: str, script: dict[str, list[Any]] | None = None, **submitted_with: Any) -> Player:
        return Player(sources[workflow], script or {}, **submitted_with)

    yield "chain", play("chain").steps().told("Steps one after the other and beside each other; all is well")
    yield (
        "control-flow",
        play("flow").steps().told("A loop, a switch, nested tasks, a condition, a sub-workflow"),
    )
    flow = play("flow", {"each[1]": [GONE], "child/d": [GONE]})
    yield "tolerated", flow.steps().told("An item of a loop and an optional step fail, and nothing else does")
    yield "retries", play("chain", {"a": [BUSY]}).steps().told("A retry after a delay with jitter")
    yield "exhausted", play("chain", {"a": [BUSY, BUSY]}).steps().told("Retries are used up: a dead letter")
    yield "permanent", play("chain", {"b": [GONE]}).steps().told("A failure that no retry cures")
    yield "unknown-outcome", play("chain", {"b": [LATE]}).steps().told("A call that may have taken effect")
    sure = play("sure", {"a": [BUSY, BUSY], "b": [GONE], "c": [LATE, BUSY]})
    yield "fallback", sure.steps().told("A value and a task instead; a keyed call is repeated")
    yield "compensation", play("undone", {"c": [GONE]}).steps().told("What was done is undone, last first")
    undone = play("undone", {"c": [GONE], "b~compensate": [GONE]})
    yield "compensation-failed", undone.steps().told("What cannot be undone is said")
    yield from _controlled(play)


def _controlled(play: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those in which somebody or something interferes."""
    paused = play("chain").steps(1)
    paused.act(control.pause(paused.state, "key-2", paused.now)).steps()
    yield "paused", paused.told("A pause, with nothing left in flight")
    paused.now += 60
    paused.act(control.resume(paused.state, "key-2", paused.now))
    yield "resumed", paused.steps().told("A pause of a minute, and the rest after it")
    cancelled = play("chain", {"b": [...]}).steps()
    cancelled.act(control.cancel(cancelled.state, "key-2", cancelled.now))
    yield "cancelled", cancelled.told("Cancelled during a call that may have taken effect")
    yield "deadline", play("chain", {"a": [...]}).steps().wait().told("The deadline passes during a call")
    yield (
        "recovered",
        play("chain", {"a": [...]}).steps().crash().steps().told("A safe call in flight in a crash"),
    )
    lost = play("chain", {"b": [...]}).steps().crash().steps()
    yield "recovered-unknown", lost.told("A call in flight in a crash that may not be repeated")
    undoing = play("undone", {"c": [GONE], "b~compensate": [...], "a~compensate": [...]}).steps().crash()
    yield "recovered-compensation", undoing.steps().told("A crash while it is being undone")
    lost.now += 5
    lost.act(control.retry(lost.state, "key-2", lost.now, lost.now + 30, {"b": {"saw": "another"}}))
    yield "retried", lost.steps().told("Retried with another input: what was completed is reused")
    failed = play("flow", {"route": [GONE]}).steps()
    yield "failed-inside", failed.told("One branch fails, and what is beside it is cut off")
    done = play("chain").steps().state
    origin = Origin(execution_id=EXECUTION.replace("1000", "0999"), task="b")
    fork = play("chain", origin=origin, reused=reusable(done.plan, done.done, "b"), inputs={"b": {"saw": 0}})
    yield "forked", fork.steps().told("A fork from its second step, with an input of its own")
    noted = play("chain", {"a": [BUSY]}).steps(1)
    noted.tell(CircuitOpened(at=noted.now, task="a", upstream="https://shop.example"))
    noted.tell(SecretAccessed(at=noted.now, task="a", secret="payments/token"))
    noted.tell(WebhookReceived(at=noted.now, path="orders", delivery_id="1"))
    yield "noted", noted.steps().told("What is only noted: a circuit, a secret, a webhook")
    yield "running", play("flow").steps(3).told("In the middle of everything")


async def _sources() -> dict[str, str]:
    registry = make_registry(lambda _policy: None)  # type: ignore[arg-type, return-value]  # nothing is called
    await registry.install(make_bundle("acme", documents=DOCUMENTS))
    tenant = registry.tenant(TenantId("acme"))
    assert tenant is not None
    found: dict[str, str] = {}
    for workflow in ("chain", "flow", "sure", "undone"):
        plan = tenant.plan(workflow)
        assert plan is not None
        found[workflow] = tenant.source(plan).content
    return found


def produce(folder: Path) -> None:
    """Writes what is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, history in _told(asyncio.run(_sources())):
        path = folder / f"{name}.json"
        if not path.exists():
            path.write_text(json.dumps(history, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    produce(FOLDER / sys.argv[1] / "histories")
