"""The simulation's ports are those of the product: a method that is missing would be a fault nobody sees."""

from __future__ import annotations

from inspect import getmembers, isfunction, signature

import pytest

from tenantry.dataplane.executions.pinned import PinnedPlans
from tenantry.dataplane.journal.history import History
from tenantry.dataplane.journal.keys import StoredKeys
from tenantry.dataplane.journal.ownership import Ownership
from tenantry.dataplane.journal.store import Store
from tests.support.reliability.ports import (
    MemoryHistory,
    MemoryKeys,
    MemoryOwnership,
    MemoryPlans,
    MemoryStore,
)


def methods_of(port: type) -> dict[str, list[str]]:
    """Their parameters; an underscore says that one is not used."""
    return {
        name: [parameter.removeprefix("_") for parameter in signature(method).parameters]
        for name, method in getmembers(port, isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("port", "memory"),
    [
        (Ownership, MemoryOwnership),
        (StoredKeys, MemoryKeys),
        (PinnedPlans, MemoryPlans),
        (Store, MemoryStore),
    ],
)
def test_a_simulated_port_has_every_method_of_the_product_s(port: type, memory: type) -> None:
    assert methods_of(memory) == methods_of(port)


def test_what_the_simulated_history_has_is_as_in_the_product() -> None:
    assert methods_of(MemoryHistory).items() <= methods_of(History).items()
