"""The documents that are measured: a chain of three, a fan-out of five, and a workflow of fifty tasks."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final, TypeAlias

from tenantry.language.values import canonical_json
from tenantry.protocol.bundles import Bundle, BundledDefinition

Document: TypeAlias = dict[str, Any]

HUNDRED: Final = 100
"""Calls of each shape that `make_hundred` makes."""

_TEXT: Final = {"type": "string"}
_INTEGER: Final = {"type": "integer"}
_USER_INPUT: Final = {"type": "object", "required": ["userId"], "properties": {"userId": _INTEGER}}
_TASK_INPUT: Final = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": _INTEGER, "reference": _TEXT},
    "additionalProperties": False,
}
_ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "users": {"id": _INTEGER, "email": _TEXT},
    "orders": {"latest": _INTEGER, "total": _INTEGER},
    "prices": {"netCents": _INTEGER, "currency": _TEXT},
    "stock": {"available": _INTEGER},
    "reviews": {"averageStars": {"type": "number"}},
}
"""What the upstream answers, by the first segment of its path."""


def _document(kind: str, name: str, spec: Document) -> Document:
    return {"apiVersion": "workflow.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _object(properties: dict[str, Any]) -> Document:
    return {"type": "object", "required": list(properties), "properties": properties}


def make_tasks(upstream: str) -> list[Document]:
    """A GET task for each of the upstream's answers, with both schemas."""
    return [
        _document(
            "WorkflowTask",
            name,
            {
                "type": "http",
                "inputSchema": _TASK_INPUT,
                "outputSchema": _object(answer),
                "request": {"method": "GET", "url": f"{upstream}/{name}/{{{{input.id}}}}"},
                "timeout": "5s",
            },
        )
        for name, answer in _ANSWERS.items()
    ]


def make_chain() -> Document:
    """Three calls, each needing the one before; journaled."""
    steps = [
        {"id": "user", "taskRef": "users", "input": {"id": "{{input.userId}}"}},
        {"id": "orders", "taskRef": "orders", "input": {"id": "{{tasks.user.output.id}}"}},
        {"id": "price", "taskRef": "prices", "input": {"id": "{{tasks.orders.output.latest}}"}},
    ]
    output = {
        "email": "{{tasks.user.output.email}}",
        "order": "{{tasks.orders.output.latest}}",
        "netCents": "{{tasks.price.output.netCents}}",
    }
    return _document("Workflow", "chain", {"input": _USER_INPUT, "tasks": steps, "output": output})


def make_hundred(shape: str) -> Document:
    """A hundred calls: as `steps`, as `items` of one loop, or each the `nested` task of an item."""
    call = {"taskRef": "users", "input": {"id": "{{input.userId}}"}}
    if shape == "steps":
        steps: list[dict[str, Any]] = [{"id": f"s{number}", **call} for number in range(HUNDRED)]
    else:
        once = call if shape == "items" else {"tasks": [{"id": "inner", **call}]}
        steps = [{"id": "loop", "forEach": {"items": list(range(HUNDRED))}, **once}]
    return _document("Workflow", f"hundred-{shape}", {"input": _USER_INPUT, "tasks": steps})


def make_fan_out() -> Document:
    """Five calls at once; journaled."""
    steps = [{"id": name, "taskRef": name, "input": {"id": "{{input.userId}}"}} for name in _ANSWERS]
    output = {
        "email": "{{tasks.users.output.email}}",
        "order": "{{tasks.orders.output.latest}}",
        "netCents": "{{tasks.prices.output.netCents}}",
        "available": "{{tasks.stock.output.available}}",
        "averageStars": "{{tasks.reviews.output.averageStars}}",
    }
    return _document("Workflow", "fan-out", {"input": _USER_INPUT, "tasks": steps, "output": output})


def make_large(steps: int = 50) -> Document:
    """A workflow of that many steps: each reads the step five before it, every seventh has a condition."""
    names = list(_ANSWERS)
    tasks: list[Document] = []
    for index in range(steps):
        feeding = index - index % len(names) - len(names)
        source = f"tasks.step{feeding}.output.id" if feeding >= 0 else "input.userId"
        step: Document = {
            "id": f"step{index}",
            "taskRef": names[index % len(names)],
            "input": {"id": f"{{{{{source}}}}}", "reference": f"{{{{execution.id}}}}/{index}"},
        }
        if index % 7 == 6 and names[index % len(names)] != "users":
            step["condition"] = {"if": f"{{{{{source}}}}} > {index} && {{{{input.userId}}}} != 0"}
        tasks.append(step)
    output = {
        f"latest{index}": f"{{{{tasks.step{index}.output.latest ?? 0}}}}" for index in range(1, steps, 5)
    }
    return _document("Workflow", "large", {"input": _USER_INPUT, "tasks": tasks, "output": output})


def make_bundle(workflows: int) -> Bundle:
    """So many workflows: chains, fan-outs, and workflows of ten steps above a chain; and the tasks."""
    documents = make_tasks("http://127.0.0.1:1")
    for index in range(workflows):
        documents.append(_of_its_own((make_chain, make_fan_out, _make_parent)[index % 3](), index))
    return Bundle(tenant="bench", revision=1, spec={}, definitions=tuple(map(make_definition, documents)))


def _of_its_own(document: Document, index: int) -> Document:
    """The same by another name and with other ids: nothing in it has been compiled before."""
    text = re.sub(r"tasks\.(\w+)", rf"tasks.\1-{index}", json.dumps(document["spec"]))
    spec = json.loads(text)
    for step in spec["tasks"]:
        step["id"] += f"-{index}"
    return {**document, "metadata": {"name": f"workflow-{index}"}, "spec": spec}


def _make_parent() -> Document:
    """Nine tasks and a chain below."""
    document = make_large(9)
    chain = {"id": "chain", "workflowRef": "workflow-0", "input": {"userId": "{{input.userId}}"}}
    return {**document, "spec": {**document["spec"], "tasks": [*document["spec"]["tasks"], chain]}}


def make_definition(document: Document) -> BundledDefinition:
    """The document as it travels in a bundle, in its first version."""
    return BundledDefinition(
        kind=document["kind"],
        name=document["metadata"]["name"],
        version=1,
        digest=hashlib.sha256(canonical_json(document)).hexdigest(),
        document=document,
    )
