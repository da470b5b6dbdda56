from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.dataplane.circuits.redis import RedisCircuits
from tests.support.circuit_calls import CircuitCalls
from tests.support.redis import ask_over
from tests.support.settling import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(params=["memory", "redis"])
def circuits_of(request: pytest.FixtureRequest) -> Iterator[Callable[..., CircuitCalls]]:
    """Makes empty circuits of every kind, with the bounds given."""
    if request.param == "memory":
        yield lambda **bounds: CircuitCalls(MemoryCircuits(**bounds), settle)
        return
    with ask_over(request.getfixturevalue("redis_server")) as (link, ask):
        make = partial(RedisCircuits, link)
        yield lambda **bounds: CircuitCalls(make(**bounds), ask)
