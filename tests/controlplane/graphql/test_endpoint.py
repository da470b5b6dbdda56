"""GraphQL over HTTP: what is taken, and how it is answered when it is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from graphql import get_introspection_query

from tenantry.controlplane.settings import Environment
from tests.support.controlplane import ADMIN_TOKEN, Api, run_control_plane

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

RESPONSE_TYPE = "application/graphql-response+json"
TENANTS = "{ tenants { edges { node { name } } } }"


async def post(api: Api, content: Any, **headers: str) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    defaults = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}
    return await api.client.post("/graphql", content=body, headers=defaults | headers)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        (f"{RESPONSE_TYPE}, application/json;q=0.9", RESPONSE_TYPE),
    ],
)
async def test_the_answer_has_the_type_that_was_asked_for(api: Api, accept: str, media_type: str) -> None:
    response = await post(api, {"query": TENANTS}, Accept=accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == media_type
    assert response.json() == {"data": {"tenants": {"edges": []}}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'"query"',
        b"[" * 100_000,
        b'{"query": NaN}',
        {},
        {"query": None},
        {"query": 1},
        [{"query": TENANTS}, {"query": TENANTS}],
        {"query": TENANTS, "variables": []},
        {"query": TENANTS, "variables": "x"},
        {"query": TENANTS, "operationName": 1},
        {"query": TENANTS, "extensions": "x"},
        {"query": TENANTS, "variables": {"a": "\0"}},
        {"query": TENANTS, "variables": {"a": 10**30}},
    ],
)
async def test_what_is_no_request_is_400(api: Api, body: Any) -> None:
    response = await post(api, body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"] == {"code": "graphql.invalid"}


@pytest.mark.parametrize("nothing", [None, {}])
async def test_what_may_be_left_out_may_be_null(api: Api, nothing: Any) -> None:
    body = {"query": TENANTS, "variables": nothing, "operationName": None, "extensions": nothing}
    assert (await post(api, body)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "",
        "{",
        "{ nothing }",
        "{ tenants(first: 1, frst: 2) { edges { cursor } } }",
        "{ tenants }",
        '{ tenant(name: "\\u0000") { name } }',
        "subscription { anything }",
        "fragment f on Query { tenants { edges { cursor } } }",
        "query a { __typename } query b { __typename }",
        "query a($x: Int!) { tenants(first: $x) { edges { cursor } } }",
        '{ tenant(name: "\\ud800") { name } }',
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    ],
)
async def test_an_invalid_operation_is_200_or_400_by_the_type_of_the_answer(api: Api, query: str) -> None:
    legacy = await post(api, {"query": query})
    assert legacy.status_code == 200
    modern = await post(api, {"query": query}, Accept=RESPONSE_TYPE)
    assert modern.status_code == 400
    assert "data" not in modern.json()
    assert {error["extensions"]["code"] for error in modern.json()["errors"]} == {"graphql.invalid"}


async def test_one_of_several_operations_is_chosen_by_name(api: Api) -> None:
    query = "query a { __typename } query b { tenants { edges { cursor } } }"
    assert (await post(api, {"query": query, "operationName": "b"})).json() == {
        "data": {"tenants": {"edges": []}}
    }
    wrong = await post(api, {"query": query, "operationName": "c"}, Accept=RESPONSE_TYPE)
    assert wrong.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "{ tenantz { edges { cursor } } }",
        "{ tenants(frst: 1) { edges { cursor } } }",
        "{ ... on Tenent { name } }",
    ],
)
async def test_nothing_is_suggested(api: Api, query: str) -> None:
    (error, *_) = (await post(api, {"query": query})).json()["errors"]
    assert "Did you mean" not in error["message"]
    assert "first" not in error["message"]
    assert "'tenant" not in error["message"].replace("tenantz", "")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
    ],
)
async def test_the_body_is_plain_json(api: Api, headers: dict[str, str], status: int) -> None:
    assert (await post(api, {"query": TENANTS}, **headers)).status_code == status


async def test_a_body_that_is_too_large_is_413(api: Api) -> None:
    response = await post(api, b" " * (4 * 1024 * 1024 + 1))
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("authorization", ["", "Basic dXNlcjp3b3Jk", "Bearer x", "Bearer tnt_a_" + "b" * 32])
async def test_a_request_without_a_good_key_is_401_in_one_shape(api: Api, authorization: str) -> None:
    response = await post(api, {"query": TENANTS}, Authorization=authorization)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/json"
    assert response.headers["www-authenticate"].startswith("Bearer")
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "unauthenticated"}
    assert error["message"]


async def test_an_unexpected_exception_is_masked_and_logged(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the secret reason")

    monkeypatch.setattr(api.plane._services.tenants, "page", fail, raising=True)
    response = await post(api, {"query": TENANTS})
    assert response.status_code == 200
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "internal"}
    assert "secret" not in response.text
    assert "the secret reason" in caplog.text


async def test_introspection_is_answered_in_development_only(make_database: Callable[[], str]) -> None:
    query = get_introspection_query()
    async with run_control_plane(make_database()) as api:
        assert "__schema" in await api.ask(query)
    async with run_control_plane(make_database(), environment=Environment.PRODUCTION) as api:
        for asked in (query, '{ __type(name: "Tenant") { name } }'):
            response = await post(api, {"query": asked}, Accept=RESPONSE_TYPE)
            assert response.status_code == 400
        assert (await api.ask("{ __typename }")) == {"__typename": "Query"}
