from __future__ import annotations

import pytest

from tenantry.tenants.identity import is_tenant_name


@pytest.mark.parametrize("name", ["a", "acme-corp", "7", "a" * 63, "a--b"])
def test_a_dns_label_may_name_a_tenant(name: str) -> None:
    assert is_tenant_name(name)


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "Acme", "a_b", "a.b", "a/b", "a b", "a" * 64, "acme\n", "ацме", "a\0"]
)
def test_anything_else_may_not(name: str) -> None:
    assert not is_tenant_name(name)
