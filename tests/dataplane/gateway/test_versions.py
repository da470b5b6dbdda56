"""Versions of workflows: several are served at once, callers choose one, and what runs keeps its own."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from tests.support.dataplane import DataPlane, run_data_plane, served_bundle
from tests.support.tenants import bundled
from tests.support.upstream import Peer, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tenantry.protocol.bundles import Bundle, BundledDefinition

SAY = """
{apiVersion: workflow.io/v1, kind: WorkflowTask, metadata: {name: say},
 spec: {type: transform, value: "{{input}}"}}
"""


def saying(word: str, *, name: str = "order", namespace: str = "", task: str = "say") -> str:
    """A workflow that answers with a word."""
    space = f", namespace: {namespace}" if namespace else ""
    return (
        f"---\n{{apiVersion: workflow.io/v1, kind: Workflow, metadata: {{name: {name}{space}}},\n"
        f' spec: {{tasks: [{{id: a, taskRef: {task}, input: {word}}}], output: "{{{{tasks.a.output}}}}"}}}}\n'
    )


def version(number: int, text: str) -> BundledDefinition:
    (definition,) = bundled(text)
    return replace(definition, version=number)


def versions(revision: int = 1, *, labels: dict[str, int] | None = None, **spec: Any) -> Bundle:
    """A bundle with three versions of `order` and two of `billing/order`, and one that lost its task."""
    bundle = served_bundle(revision=revision, documents=SAY + saying("other", name="other"), spec=spec)
    current = (version(3, saying("third")), version(2, saying("two", namespace="billing")))
    pinned = (
        version(1, saying("first")),
        version(2, saying("second")),
        version(1, saying("one", namespace="billing")),
        version(1, saying("lost", name="other", task="gone")),
    )
    others = tuple(replace(one, version=2) if one.name == "other" else one for one in bundle.definitions)
    return replace(
        bundle,
        definitions=(*others, *current),
        pinned=pinned,
        labels={"order@stable": 2, "order@first": 1, "order@prime": 1, "billing/order@stable": 1}
        if labels is None
        else labels,
    )


@pytest.fixture
async def plane(make_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[DataPlane]:
    async with run_data_plane(make_database(), tmp_path, versions()) as running:
        yield running


def digest_of(number: int, name: str = "order") -> str:
    bundle = versions()
    found = (
        one for one in (*bundle.pinned, *bundle.definitions) if (one.name, one.version) == (name, number)
    )
    return next(found).digest


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ("", "third"),
        ("@v1", "first"),
        ("@1", "first"),
        ("@v2", "second"),
        ("@3", "third"),
        ("@stable", "second"),
        ("@first", "first"),
        (f"@sha256:{digest_of(2)}", "second"),
        (f"@sha256:{digest_of(1)[:12]}", "first"),
        ("%40v1", "first"),
    ],
)
async def test_a_caller_chooses_a_version(plane: DataPlane, selector: str, said: str) -> None:
    answer = await plane.execute(f"order{selector}")
    assert (answer.status_code, answer.json()) == (200, said)
    execution = (await plane.ask("GET", f"/executions/{answer.headers['Execution-Id']}")).json()
    number = {"first": 1, "second": 2, "third": 3}[said]
    assert (execution["workflow"], execution["version"]) == ("order", number)
    shown = (await plane.ask("GET", f"/workflows/order{selector}")).json()
    assert (shown["version"], shown["digest"]) == (number, digest_of(number))
    assert shown["definition"]["spec"]["tasks"][0]["input"] == said
    for method, path in (("POST", "test"), ("GET", "plan")):
        plan = (await plane.ask(method, f"/workflows/order{selector}/{path}")).json()
        assert (plan["workflow"], plan["version"]) == ("order", number)


async def test_a_version_of_a_namespace_is_chosen_in_its_namespace(plane: DataPlane) -> None:
    for selector, said in (("", "two"), ("@v1", "one"), ("@stable", "one"), ("@2", "two")):
        answer = await plane.ask("POST", f"/namespaces/billing/workflows/order{selector}/execute", json={})
        assert (answer.status_code, answer.json()) == (200, said), selector


@pytest.mark.parametrize(
    "selector",
    [
        "@v4",
        "@0",
        "@v0",
        "@-1",
        "@v1.0",
        "@1e0",
        "@%D9%A1",
        "@vv1",
        "@canary",
        "@stable@v1",
        "@v1@v1",
        "@Stable",
        "@",
        "@%20",
        "@%00",
        "@sha256:",
        f"@sha256:{digest_of(1)[:11]}",
        f"@sha256:{'0' * 64}",
        f"@{digest_of(1)}",
        f"@{'9' * 5000}",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/execute"), ("POST", "/test"), ("GET", "/plan"), ("GET", "")]
)
async def test_an_unknown_version_is_a_404(plane: DataPlane, selector: str, method: str, path: str) -> None:
    response = await plane.ask(method, f"/workflows/order{selector}{path}")
    assert (response.status_code, response.json()["title"]) == (404, "Not found")


async def test_what_is_missing_is_named(plane: DataPlane) -> None:
    for name, what in (
        ("order@v9", "version of the workflow"),
        ("nobody@v1", "workflow"),
        ("order@", "workflow"),
    ):
        response = await plane.execute(name)
        assert response.json()["detail"] == f"there is no such {what}"


async def test_the_versions_served_here_are_listed_with_their_labels(plane: DataPlane) -> None:
    listed = (await plane.ask("GET", "/workflows/order/versions", role="viewer")).json()
    assert listed == {
        "name": "order",
        "versions": [
            {"version": 3, "digest": digest_of(3), "current": True, "labels": []},
            {"version": 2, "digest": digest_of(2), "current": False, "labels": ["stable"]},
            {"version": 1, "digest": digest_of(1), "current": False, "labels": ["first", "prime"]},
        ],
    }
    billing = (await plane.ask("GET", "/namespaces/billing/workflows/order/versions")).json()
    assert billing["name"] == "billing/order"
    assert [(one["version"], one["labels"]) for one in billing["versions"]] == [(2, []), (1, ["stable"])]


@pytest.mark.parametrize(
    "path", ["nobody/versions", "order@v1/versions", "order@v1/executions", "say/versions"]
)
async def test_versions_of_nothing_and_of_one_version_are_not_found(plane: DataPlane, path: str) -> None:
    assert (await plane.ask("GET", f"/workflows/{path}")).status_code == 404


async def test_a_version_that_cannot_run_any_more_says_why_and_stands_in_nobodys_way(
    plane: DataPlane, caplog: pytest.LogCaptureFixture
) -> None:
    for method, path in (("POST", "execute"), ("POST", "test"), ("GET", "plan")):
        response = await plane.ask(method, f"/workflows/other@v1/{path}")
        problem = response.json()
        assert (response.status_code, problem["type"].rpartition("/")[2]) == (409, "version-unavailable")
        assert problem["detail"] == "workflow other uses the unknown task gone"
    assert "acme: workflow other uses the unknown task gone" in caplog.text
    assert (await plane.ask("GET", "/workflows/other@v1")).status_code == 200
    assert (await plane.execute("other")).json() == "other"
    assert (await plane.execute("order@v1")).json() == "first"


async def test_an_older_version_is_bound_to_the_tasks_the_tenant_may_use_now(plane: DataPlane) -> None:
    await plane.services.registry.install(versions(2, allowedTaskRefs=["nothing-*"]))
    assert (await plane.execute("order@v1")).status_code == 403


async def test_a_label_that_moved_means_another_version_at_once(plane: DataPlane) -> None:
    assert (await plane.execute("order@stable")).json() == "second"
    await plane.services.registry.install(versions(2, labels={"order@stable": 3}))
    assert (await plane.execute("order@stable")).json() == "third"
    assert (await plane.execute("order@first")).status_code == 404


async def test_a_label_whose_version_is_not_served_means_nothing(plane: DataPlane) -> None:
    await plane.services.registry.install(versions(2, labels={"order@stable": 9}))
    assert (await plane.execute("order@stable")).status_code == 404


CHAIN = """
{{apiVersion: workflow.io/v1, kind: WorkflowTask, metadata: {{name: look}},
 spec: {{type: http, inputSchema: {{type: object}}, request: {{url: "{url}/{path}"}}}}}}
---
{{apiVersion: workflow.io/v1, kind: Workflow, metadata: {{name: chain}},
 spec: {{
   tasks: [{{id: a, taskRef: look, input: {{}}}},
           {{id: b, taskRef: look, input: {{}}, dependsOn: [a]}}{more}],
   output: {{version: {number}, saw: ["{{{{tasks.a.output.path}}}}", "{{{{tasks.b.output.path}}}}"]}}}}}}
"""


class Held:
    """An upstream that answers with the path asked for; what is `old` it first holds back."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.arrived, self.released = asyncio.Event(), asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        while True:
            path = (await peer.request()).split(b" ")[1].decode()
            self.asked.append(path)
            if path == "/old":
                self.arrived.set()
                await self.released.wait()
            await peer.answer(
                json.dumps({"path": path}).encode(), headers="Content-Type: application/json\r\n"
            )


def chain_bundle(revision: int, url: str) -> Bundle:
    """Revision 1, or another in which the workflow and its task have changed; the first workflow stays."""
    old = CHAIN.format(url=url, path="old", more="", number=1)
    if revision == 1:
        return served_bundle(documents=old)
    more = ", {id: c, taskRef: look, input: {}}"
    bundle = served_bundle(
        revision=revision, documents=CHAIN.format(url=url, path="new", more=more, number=2)
    )
    return replace(
        bundle,
        definitions=tuple(replace(one, version=2) for one in bundle.definitions),
        pinned=tuple(one for one in bundled(old) if one.kind == "Workflow"),
    )


async def test_changed_definitions_do_not_touch_what_runs(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    held = Held()
    async with (
        serve(held) as upstream,
        run_data_plane(make_database(), tmp_path, chain_bundle(1, upstream.url)) as plane,
    ):
        flying = asyncio.create_task(plane.execute("chain"))
        await held.arrived.wait()
        await plane.services.registry.install(chain_bundle(2, upstream.url))
        fresh = await plane.execute("chain")
        older = await plane.execute("chain@v1")
        held.released.set()
        finished = await flying
        assert fresh.json() == {"version": 2, "saw": ["/new", "/new"]}
        assert older.json() == {"version": 1, "saw": ["/new", "/new"]}
        assert finished.json() == {"version": 1, "saw": ["/old", "/old"]}
        assert sorted(held.asked) == ["/new"] * 5 + ["/old"] * 2
        told = []
        for answer in (finished, fresh, older):
            path = f"/executions/{answer.headers['Execution-Id']}"
            execution = (await plane.ask("GET", path)).json()
            trace = (await plane.ask("GET", f"{path}/trace")).json()
            told.append((execution["version"], {task["id"] for task in trace["tasks"]}))
        assert told == [(1, {"a", "b"}), (2, {"a", "b", "c"}), (1, {"a", "b"})]
