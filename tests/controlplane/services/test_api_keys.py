"""API keys: shown once, stored hashed, expiring, revoked at once; and the key everything begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tenantry.controlplane.services.authentication import Authentication
from tenantry.controlplane.store.database import Database
from tenantry.tenants.api_keys import hash_token
from tests.support.controlplane import ADMIN_TOKEN, REVOKE_KEY, Api, run_control_plane

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = """query ($tenant: String!, $first: Int!, $after: String) {
  apiKeys(tenant: $tenant, first: $first, after: $after) {
    edges { node { id name role expiresAt revokedAt } } pageInfo { hasNextPage endCursor }
} }"""
GET = 'query { tenant(name: "acme") { name } }'


async def works(api: Api, token: str) -> bool:
    response = await api.post(GET, token)
    return response.status_code == 200 and "errors" not in response.json()


async def test_a_token_works_and_only_its_hash_is_stored(api: Api) -> None:
    await api.create_tenant("acme")
    token = (await api.issue_key("acme", "VIEWER"))["token"]
    assert await works(api, token)
    async with api.engine.connect() as connection:
        dump = str((await connection.execute(text("SELECT * FROM api_keys"))).all())
    assert token not in dump
    assert token.rsplit("_", 1)[1] not in dump
    assert hash_token(token) in dump


async def test_an_issued_key_is_in_the_bundle_and_a_revoked_one_is_not(api: Api) -> None:
    await api.create_tenant("acme")
    issued = await api.issue_key("acme", "CALLER", expiresAt="2026-03-02T00:00:00Z")
    (key,) = (await api.bundle("acme")).keys
    assert (key.id, key.role, key.hash) == (issued["apiKey"]["id"], "caller", hash_token(issued["token"]))
    assert key.expires_at == 1772409600.0
    await api.ask(REVOKE_KEY, tenant="acme", id=key.id)
    assert (await api.bundle("acme")).keys == ()


async def test_a_revoked_key_does_not_work_and_revoking_it_again_changes_nothing(api: Api) -> None:
    await api.create_tenant("acme")
    issued = await api.issue_key("acme", "VIEWER")
    key_id = issued["apiKey"]["id"]
    first = (await api.ask(REVOKE_KEY, tenant="acme", id=key_id))["revokeApiKey"]
    assert not await works(api, issued["token"])
    api.clock.advance(hours=1)
    revision = (await api.bundle("acme")).revision
    assert (await api.ask(REVOKE_KEY, tenant="acme", id=key_id))["revokeApiKey"] == first
    assert (await api.bundle("acme")).revision == revision


async def test_an_expired_key_does_not_work(api: Api) -> None:
    await api.create_tenant("acme")
    token = (await api.issue_key("acme", "VIEWER", expiresAt="2026-03-01T13:00:00Z"))["token"]
    assert await works(api, token)
    api.clock.advance(hours=1)
    assert not await works(api, token)


async def test_a_name_has_one_key_in_force(api: Api) -> None:
    await api.create_tenant("acme")
    first = await api.issue_key("acme", "VIEWER", "ci")
    again = await api.issue_key("acme", "VIEWER", "ci")
    assert again["token"] is None
    assert [error["code"] for error in again["userErrors"]] == ["api_key.name_taken"]
    await api.ask(REVOKE_KEY, tenant="acme", id=first["apiKey"]["id"])
    assert (await api.issue_key("acme", "VIEWER", "ci"))["token"]


@pytest.mark.parametrize(
    ("variables", "code", "field"),
    [
        ({"name": ""}, "api_key.name", "name"),
        ({"name": "x" * 64}, "api_key.name", "name"),
        ({"name": "a\nb"}, "api_key.name", "name"),
        ({"name": "ci", "expiresAt": "2026-03-01T12:00:00Z"}, "api_key.expiry", "expiresAt"),
        ({"name": "ci", "expiresAt": "2027-03-01T12:00:00"}, "instant.invalid", "expiresAt"),
        ({"name": "ci", "expiresAt": "9999-12-31T23:59:59-12:00"}, "instant.invalid", "expiresAt"),
    ],
)
async def test_a_key_that_makes_no_sense_is_a_user_error(
    api: Api, variables: dict[str, str], code: str, field: str
) -> None:
    await api.create_tenant("acme")
    payload = (await api.ask(ISSUE, tenant="acme", **variables))["issueApiKey"]
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]
    assert payload["token"] is None


ISSUE = """mutation ($tenant: String!, $name: String!, $expiresAt: DateTime) {
  issueApiKey(tenant: $tenant, role: VIEWER, name: $name, expiresAt: $expiresAt) {
    token userErrors { field code }
} }"""


async def test_nobody_issues_a_platform_admin_key_in_a_tenant(api: Api) -> None:
    await api.create_tenant("acme")
    error = await api.refusal(ISSUE.replace("VIEWER", "PLATFORM_ADMIN"), tenant="acme", name="root")
    assert error["extensions"]["code"] == "forbidden"


async def test_a_key_of_a_tenant_that_does_not_exist_is_a_user_error(api: Api) -> None:
    payload = (await api.ask(ISSUE, tenant="nobody", name="ci"))["issueApiKey"]
    assert [error["code"] for error in payload["userErrors"]] == ["tenant.not_found"]


async def test_revoking_an_unknown_key_is_a_user_error(api: Api) -> None:
    await api.create_tenant("acme")
    payload = (await api.ask(REVOKE_KEY, tenant="acme", id="nope"))["revokeApiKey"]
    assert [error["code"] for error in payload["userErrors"]] == ["api_key.not_found"]


async def test_keys_are_listed_without_tokens_or_hashes(api: Api) -> None:
    await api.create_tenant("acme")
    ids = sorted([(await api.issue_key("acme", "VIEWER", str(n)))["apiKey"]["id"] for n in range(3)])
    page = (await api.ask(KEYS, tenant="acme", first=2))["apiKeys"]
    rest = await api.ask(KEYS, tenant="acme", first=2, after=page["pageInfo"]["endCursor"])
    listed = page["edges"] + rest["apiKeys"]["edges"]
    assert [edge["node"]["id"] for edge in listed] == ids
    assert {edge["node"]["role"] for edge in listed} == {"VIEWER"}
    assert (await api.refusal(KEYS, tenant="nobody", first=2))["extensions"]["code"] == "tenant.not_found"


@pytest.mark.parametrize(
    "token", ["", "nonsense", "tnt_bootstrap_" + "b" * 32, "tnt_other_" + "a" * 32, "tnt_bootstrap_short"]
)
async def test_a_wrong_token_is_401_whatever_is_wrong_with_it(api: Api, token: str) -> None:
    response = await api.post(GET, token)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_another_bootstrap_token_replaces_the_former_one(make_database: Callable[[], str]) -> None:
    async with run_control_plane(make_database()) as api:
        await api.create_tenant("acme")
        authentication = Authentication(Database(api.engine), api.clock)
        other = "tnt_other_" + "z" * 32
        await authentication.ensure_bootstrap_key(other)
        assert await works(api, other)
        assert not await works(api, ADMIN_TOKEN)
        await authentication.ensure_bootstrap_key(ADMIN_TOKEN)
        assert await works(api, ADMIN_TOKEN)
        assert not await works(api, other)


async def test_a_bootstrap_token_that_is_no_token_is_refused(api: Api) -> None:
    authentication = Authentication(Database(api.engine), api.clock)
    with pytest.raises(ValueError, match="not an API key"):
        await authentication.ensure_bootstrap_key("secret")
