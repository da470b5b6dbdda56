"""The circuits in memory against the model, and what only they have: each decision in one step."""

from __future__ import annotations

from hypothesis import settings

from tenantry.dataplane.circuits.breaker import Order
from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.tenants.identity import TenantId
from tests.support.circuit_calls import CircuitCalls
from tests.support.circuit_model import ACME, EPOCH, GLOBEX, IDLE_SECONDS, POLICY, CircuitsAgreeWithModel
from tests.support.settling import settle


class MemoryCircuitsAgreeWithModel(CircuitsAgreeWithModel):
    def __init__(self) -> None:
        super().__init__(MemoryCircuits(idle_seconds=IDLE_SECONDS), settle)


TestMemoryCircuitsAgreeWithModel = MemoryCircuitsAgreeWithModel.TestCase
TestMemoryCircuitsAgreeWithModel.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)


def test_idle_circuits_of_any_tenant_are_forgotten_as_others_begin() -> None:
    kept = MemoryCircuits(idle_seconds=IDLE_SECONDS)
    circuits = CircuitCalls(kept, settle)
    circuits.call()
    circuits.order(Order.OPEN)
    for number in range(50):
        circuits.call(TenantId(f"tenant-{number}"))
    later = EPOCH + IDLE_SECONDS + POLICY.sampling_seconds
    for number in range(102):
        circuits.call(GLOBEX, f"https://{number}.example.com", later)
    assert set(kept._tenants) == {ACME, GLOBEX}
