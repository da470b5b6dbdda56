"""The registry: bundles are swapped in whole or not at all, and connections follow the egress policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.bundles.plans import DefinitionBrokenError, TaskNotAllowedError
from tenantry.protocol.bundles import BundledKey, BundleError
from tests.support.tenants import key_for, make_bundle, make_registry

if TYPE_CHECKING:
    from tenantry.dataplane.bundles.registry import Registry
    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.dataplane.tasks.http_client import HttpRequest, HttpResponse
    from tenantry.tenants.egress import EgressPolicy

DOCUMENTS = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: fetch-user}
spec: {type: http, request: {method: GET, url: "http://users.test/{{input.id}}"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: greet}
spec:
  input: {type: object, required: [id], properties: {id: {type: integer}}}
  tasks: [{id: user, taskRef: fetch-user, input: {id: "{{input.id}}"}}]
  output: "{{tasks.user.output}}"
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: bye}
spec: {tasks: [{id: word, taskRef: say-bye}], output: "{{tasks.word.output}}"}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: say-bye}
spec: {type: transform, value: bye}
"""


class Client:
    """A client that only tells whether it was closed."""

    def __init__(self, policy: EgressPolicy) -> None:
        self.policy, self.closed = policy, False

    async def send(self, request: HttpRequest) -> HttpResponse:
        raise NotImplementedError

    async def close(self) -> None:
        self.closed = True


class Connections(list[Client]):
    def connect(self, policy: EgressPolicy) -> Client:
        self.append(Client(policy))
        return self[-1]


@pytest.fixture
def connections() -> Connections:
    return Connections()


@pytest.fixture
def registry(connections: Connections) -> Registry:
    return make_registry(connections.connect)


def served(registry: Registry, name: str = "acme") -> ServedTenant:
    tenant = registry.tenant(name)
    assert tenant is not None
    return tenant


def client_of(registry: Registry, name: str = "acme") -> Any:
    return served(registry, name).runner.client


async def test_what_is_installed_is_served_with_its_keys(registry: Registry) -> None:
    await registry.install(make_bundle("acme", 3, keys=[key_for("acme", "caller")]))
    await registry.install(make_bundle("globex", 1, keys=[key_for("globex", "caller")]))
    assert registry.revisions() == {"acme": 3, "globex": 1}
    found = registry.key("globex-caller")
    assert found is not None
    assert (found[0].name, found[1].role) == ("globex", "caller")
    assert registry.tenant("initech") is None
    assert registry.key("initech-caller") is None


async def test_a_new_revision_replaces_everything_and_its_old_keys_open_nothing(registry: Registry) -> None:
    await registry.install(make_bundle(documents=DOCUMENTS, keys=[key_for("acme", "caller")]))
    await registry.install(make_bundle(revision=2, keys=[key_for("acme", "viewer")]))
    assert served(registry).workflows() == []
    assert registry.key("acme-caller") is None
    assert registry.key("acme-viewer") is not None


async def test_a_lower_revision_is_refused_and_an_equal_one_is_not(registry: Registry) -> None:
    await registry.install(make_bundle(revision=2))
    with pytest.raises(BundleError, match="revision 1 of acme is older than the one served, 2"):
        await registry.install(make_bundle(revision=1))
    await registry.install(make_bundle(revision=2, suspended=True))
    assert served(registry).bundle.suspended


@pytest.mark.parametrize(
    "broken",
    [
        {"spec": {"quotas": {"maxConcurrentWorkflows": "many"}}},
        {"spec": {"noSuchField": 1}},
        {"spec": {"egress": {"allow": ["10.0.0.1/8"]}}},
        {"rate_card": {"currency": "euro"}},
        {"rate_card": {}},
    ],
)
async def test_a_bundle_that_cannot_be_served_changes_nothing(
    registry: Registry, connections: Connections, broken: dict[str, Any]
) -> None:
    await registry.install(make_bundle(keys=[key_for("acme", "caller")]))
    with pytest.raises(BundleError, match="revision 2 of acme cannot be served"):
        await registry.install(make_bundle(revision=2, **broken))
    assert registry.revisions() == {"acme": 1}
    assert registry.key("acme-caller") is not None
    assert not connections[0].closed


async def test_a_changed_egress_policy_changes_the_connections(
    registry: Registry, connections: Connections
) -> None:
    await registry.install(make_bundle())
    await registry.install(make_bundle(revision=2))
    assert len(connections) == 1
    await registry.install(make_bundle(revision=3, spec={"egress": {"allow": ["10.0.0.0/8"]}}))
    old, new = connections
    assert (old.closed, new.closed) == (True, False)
    assert client_of(registry) is new
    assert new.policy != old.policy


async def test_a_refused_bundle_does_not_leave_its_egress_policy_behind(
    registry: Registry, connections: Connections
) -> None:
    await registry.install(make_bundle())
    open_wide = {"egress": {"allow": ["127.0.0.0/8"]}}
    with pytest.raises(BundleError):
        await registry.install(make_bundle(revision=2, spec=open_wide, rate_card={}))
    await registry.install(make_bundle(revision=3))
    assert client_of(registry) is connections[0]


async def test_a_tenant_that_is_dropped_is_forgotten_with_keys_and_connections(
    registry: Registry, connections: Connections
) -> None:
    await registry.install(make_bundle(keys=[key_for("acme", "caller")]))
    await registry.drop("acme")
    await registry.drop("acme")
    assert registry.tenant("acme") is None
    assert registry.key("acme-caller") is None
    assert connections[0].closed


async def test_a_key_id_that_two_tenants_share_opens_at_most_one_of_them(registry: Registry) -> None:
    shared = key_for("acme", "caller")
    stolen = BundledKey(id=shared.id, hash="0" * 64, role="tenant-admin")
    await registry.install(make_bundle("acme", keys=[shared]))
    await registry.install(make_bundle("globex", keys=[stolen]))
    found = registry.key(shared.id)
    assert found is not None
    assert (found[0].name, found[1].hash) == ("globex", stolen.hash)
    for tenant in ("acme", "globex"):
        await registry.drop(tenant)
    assert registry.key(shared.id) is None


@pytest.mark.parametrize("role", ["platform-admin", "wizard"])
async def test_a_key_whose_role_no_tenant_has_opens_nothing(registry: Registry, role: str) -> None:
    await registry.install(make_bundle(keys=[key_for("acme", role), key_for("acme", "caller")]))
    assert registry.key(f"acme-{role}") is None
    assert registry.key("acme-caller") is not None


async def test_closing_closes_every_connection(registry: Registry, connections: Connections) -> None:
    await registry.install(make_bundle("acme"))
    await registry.install(make_bundle("globex"))
    await registry.close()
    assert [client.closed for client in connections] == [True, True]


async def test_a_workflow_is_compiled_once_and_again_only_when_something_in_it_changed(
    registry: Registry,
) -> None:
    await registry.install(make_bundle(documents=DOCUMENTS))
    plan = served(registry).plan("greet")
    assert plan is not None
    assert served(registry).plan("greet") is plan
    await registry.install(make_bundle(revision=2, documents=DOCUMENTS))
    assert served(registry).plan("greet") is plan
    changed = DOCUMENTS.replace("users.test", "people.test")
    await registry.install(make_bundle(revision=3, documents=changed))
    assert served(registry).plan("greet") is not plan
    assert len(served(registry)._plans._compiled) == 1  # the former one is not kept


async def test_definitions_are_listed_by_name(registry: Registry) -> None:
    await registry.install(make_bundle(documents=DOCUMENTS))
    tenant = served(registry)
    assert [item.name for item in tenant.workflows()] == ["bye", "greet"]
    assert [item.name for item in tenant.tasks()] == ["fetch-user", "say-bye"]
    assert tenant.definition("Workflow", "fetch-user") is None
    assert tenant.plan("fetch-user") is None


async def test_a_workflow_whose_task_the_tenant_may_not_use_has_no_plan(registry: Registry) -> None:
    await registry.install(make_bundle(documents=DOCUMENTS, spec={"allowedTaskRefs": ["*", "!fetch-*"]}))
    with pytest.raises(TaskNotAllowedError, match="workflow greet uses task fetch-user"):
        served(registry).plan("greet")
    assert served(registry).plan("bye") is not None


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("metadata: {name: fetch-user}", "metadata: {name: other}", "uses the unknown task fetch-user"),
        ("request: {method", "request: {verb", "task fetch-user"),
        ('output: "{{tasks.user', 'outputs: "{{tasks.user', "workflow greet"),
    ],
)
async def test_a_definition_that_does_not_compile_is_a_fault_of_the_platform(
    registry: Registry, before: str, after: str, message: str
) -> None:
    assert before in DOCUMENTS
    await registry.install(make_bundle(documents=DOCUMENTS.replace(before, after)))
    with pytest.raises(DefinitionBrokenError, match=message):
        served(registry).plan("greet")
    assert served(registry).plan("bye") is not None
