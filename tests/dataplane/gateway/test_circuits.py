"""Circuits over the REST API: what is told of them, and what an order does."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.circuits.breaker import Outcome, Refusal
from tenantry.dataplane.circuits.port import Permit
from tenantry.language.plan.model import CircuitPolicy
from tenantry.tenants.identity import TenantId
from tests.support.tenants import token_for

if TYPE_CHECKING:
    from tests.support.dataplane import DataPlane

ACME = TenantId("acme")
USERS, ORDERS = "https://users.example.com", "https://orders.example.com:8443"
POLICY = CircuitPolicy(failure_threshold=2)


@dataclass
class Calls:
    """Calls of upstreams, as the engine would make them."""

    plane: DataPlane

    async def admit(self, upstream: str) -> Permit | Refusal:
        services = self.plane.services
        return await services.circuits.admit(ACME, upstream, POLICY, services.clock())

    async def fail(self, upstream: str, times: int) -> None:
        services = self.plane.services
        for _ in range(times):
            permit = await self.admit(upstream)
            assert isinstance(permit, Permit)
            await services.circuits.report(permit, Outcome.FAILURE, services.clock())


@pytest.fixture
def calls(plane: DataPlane) -> Calls:
    return Calls(plane)


async def read(plane: DataPlane, path: str) -> Any:
    response = await plane.ask("GET", path, role="viewer")
    assert response.status_code == 200, response.text
    return response.json()


async def order(plane: DataPlane, name: str, act: str) -> Any:
    response = await plane.ask("POST", f"/circuits/{name}/{act}", role="author")
    assert response.status_code == 200, response.text
    return response.json()


async def name_of(plane: DataPlane, upstream: str) -> str:
    circuits = (await read(plane, "/circuits"))["circuits"]
    (name,) = (circuit["name"] for circuit in circuits if circuit["upstream"] == upstream)
    return str(name)


async def test_a_tenant_that_called_nobody_has_no_circuits_and_is_healthy(plane: DataPlane) -> None:
    assert await read(plane, "/circuits") == {"circuits": []}
    health = await read(plane, "/circuits/health")
    assert health == {"status": "healthy", "closed": 0, "halfOpen": 0, "open": 0, "notClosed": []}


async def test_circuits_are_listed_by_name_and_read_one_by_one(plane: DataPlane, calls: Calls) -> None:
    await calls.fail(USERS, 1)
    await calls.admit(ORDERS)
    orders, users = (await read(plane, "/circuits"))["circuits"]
    assert orders["name"].startswith("orders.example.com-8443-")
    assert users == await read(plane, f"/circuits/{users['name']}")
    assert users == {
        "name": users["name"],
        "upstream": USERS,
        "status": "closed",
        "held": False,
        "failures": 1,
        "openedAt": None,
        "nextProbeAt": None,
        "policy": {
            "failureThreshold": 2,
            "samplingSeconds": 60.0,
            "breakSeconds": 30.0,
            "halfOpenRequests": 3,
            "failOn": ["5xx", "connection", "timeout"],
        },
    }


async def test_an_open_circuit_tells_since_when_and_until_when(plane: DataPlane, calls: Calls) -> None:
    await calls.fail(USERS, 2)
    await calls.admit(ORDERS)
    name = await name_of(plane, USERS)
    circuit = await read(plane, f"/circuits/{name}")
    assert (circuit["status"], circuit["held"]) == ("open", False)
    opened, probe = (datetime.fromisoformat(circuit[field]) for field in ("openedAt", "nextProbeAt"))
    assert (probe - opened).total_seconds() == POLICY.break_seconds
    assert opened <= datetime.fromtimestamp(plane.services.clock(), UTC)
    health = await read(plane, "/circuits/health")
    assert health == {"status": "degraded", "closed": 1, "halfOpen": 0, "open": 1, "notClosed": [name]}


async def test_an_order_holds_a_circuit_until_it_is_reset(plane: DataPlane, calls: Calls) -> None:
    await calls.admit(USERS)
    name = await name_of(plane, USERS)
    opened = await order(plane, name, "open")
    assert (opened["status"], opened["held"], opened["nextProbeAt"]) == ("open", True, None)
    assert isinstance(await calls.admit(USERS), Refusal)
    closed = await order(plane, name, "close")
    assert (closed["status"], closed["held"], closed["openedAt"]) == ("closed", True, None)
    await calls.fail(USERS, 3)
    reset = await order(plane, name, "reset")
    assert (reset["status"], reset["held"], reset["failures"]) == ("closed", False, 0)
    await calls.fail(USERS, 2)
    assert (await read(plane, f"/circuits/{name}"))["status"] == "open"


async def test_an_order_is_logged_with_who_gave_it(
    plane: DataPlane, calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    await calls.admit(USERS)
    name = await name_of(plane, USERS)
    with caplog.at_level(logging.INFO, "tenantry.dataplane.gateway.circuits"):
        await order(plane, name, "open")
    key_id = token_for("acme", "author").split("_")[1]
    assert caplog.messages == [f"circuit {name} of tenant acme: open, by key {key_id}"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", "/open"), ("POST", "/close"), ("POST", "/reset")],
)
async def test_there_is_no_circuit_before_the_first_call(plane: DataPlane, method: str, path: str) -> None:
    for name in ("users.example.com-0123456789", "a%00b", "%2e%2e"):
        response = await plane.ask(method, f"/circuits/{name}{path}", role="author")
        assert response.status_code == 404, response.text
