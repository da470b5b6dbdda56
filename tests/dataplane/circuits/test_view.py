"""What circuits are called."""

from __future__ import annotations

import pytest

from tenantry.dataplane.circuits.view import circuit_name
from tests.support.circuit_model import ORDERS, POLICY, USERS, WIDE


@pytest.mark.parametrize(
    ("upstream", "place"),
    [(USERS, "users.example.com"), (ORDERS, "orders.example.com-8443"), ("http://[::1]:80", "1-80")],
)
def test_a_name_fits_into_a_path_and_begins_with_the_host(upstream: str, place: str) -> None:
    name = circuit_name(upstream, POLICY)
    assert name.startswith(f"{place}-")
    assert name.replace(".", "").replace("-", "").isalnum()


def test_no_two_upstreams_or_policies_have_one_name() -> None:
    upstreams = [USERS, ORDERS, "http://users.example.com", "https://users.example.com:80"]
    assert len({circuit_name(upstream, policy) for upstream in upstreams for policy in (POLICY, WIDE)}) == 8
