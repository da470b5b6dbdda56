"""Every outcome of SPEC part 2 as HTTP: the status, the problem, whose fault it is, and when to try again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.support.dataplane import served_bundle
from tests.support.tenants import key_for, token_for

if TYPE_CHECKING:
    import httpx

    from tests.support.dataplane import DataPlane


def problem_of(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["type"] == f"https://tenantry.dev/problems/{code}"
    assert problem["status"] == status
    assert problem["title"]
    return problem


async def test_a_completed_execution_answers_its_output_and_names_itself(plane: DataPlane) -> None:
    response = await plane.execute("welcome", {"userId": 1})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    user = (await plane.execute("unlucky")).json()
    assert response.json() == {"greeting": f"Hello {user['name']}"}
    found = await plane.ask("GET", f"/executions/{response.headers['Execution-Id']}")
    assert found.json()["output"] == response.json()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid-json"),
        (b"hello", "invalid-json"),
        (b'{"userId": NaN}', "invalid-json"),
        (b'{"userId": 1' + b"0" * 400 + b"}", "invalid-json"),
        (b'{"a": "\\u0000"}', "invalid-json"),
        (b'{"a": "\\ud800"}', "invalid-json"),
        (b"[" * 100_000, "invalid-json"),
        (b"\xff\xfe{}", "invalid-json"),
    ],
)
async def test_a_body_that_is_not_json_is_a_400(plane: DataPlane, body: bytes, code: str) -> None:
    response = await plane.ask("POST", "/workflows/welcome/execute", content=body)
    problem = problem_of(response, 400, code)
    assert problem["source"] == "caller"
    assert problem["detail"]


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_body_that_is_too_large_is_a_413(plane: DataPlane, *, streamed: bool) -> None:
    async def chunks() -> Any:
        for _ in range(17):
            yield b" " * 65536

    body = chunks() if streamed else b" " * (1024 * 1024 + 1)
    response = await plane.ask("POST", "/workflows/welcome/execute", content=body)
    problem_of(response, 413, "body-too-large")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_a_body_of_another_type_is_a_415(plane: DataPlane, headers: dict[str, str]) -> None:
    response = await plane.ask("POST", "/workflows/welcome/execute", content=b"{}", headers=headers)
    problem_of(response, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Type": "application/vnd.shop+json; charset=utf-8", "Content-Encoding": "identity"}],
)
async def test_json_is_taken_under_any_of_its_names_and_an_empty_body_is_an_empty_object(
    plane: DataPlane, headers: dict[str, str]
) -> None:
    response = await plane.ask("POST", "/workflows/unlucky/execute", content=b"", headers=headers)
    assert response.status_code == 200


async def test_an_input_that_fails_the_schema_is_a_422_with_every_violation(plane: DataPlane) -> None:
    response = await plane.execute("welcome", {"userId": "one", "note": 5})
    problem = problem_of(response, 422, "invalid-input")
    assert {violation["pointer"] for violation in problem["violations"]} == {"/userId", "/note"}
    assert all(violation["message"] for violation in problem["violations"])


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer nonsense",
        f"Bearer {token_for('initech', 'caller')}",
        f"Bearer {token_for('acme', 'caller')}x",
        f"Bearer {token_for('acme', 'caller')} extra",
        f"Token {token_for('acme', 'caller')}",
    ],
)
async def test_no_credential_or_a_bad_one_is_a_401(plane: DataPlane, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = await plane.client.post(
        "/tenants/acme/api/v1/workflows/welcome/execute", json={"userId": 1}, headers=headers
    )
    problem_of(response, 401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="tenantry"'


async def test_an_expired_key_is_a_401_that_says_so(plane: DataPlane, documents: str) -> None:
    now = plane.services.clock()
    bundle = served_bundle(revision=2, documents=documents)
    for expires_at, status in ((now + 3600, 200), (now - 1, 401)):
        keys = (key_for("acme", "caller", expires_at),)
        await plane.services.registry.install(msgspec.structs.replace(bundle, keys=keys))
        assert (await plane.execute("pure", {"name": "Ada"})).status_code == status
    assert "has expired" in (await plane.execute("pure", {"name": "Ada"})).json()["detail"]


async def test_a_role_that_may_not_is_a_403_that_says_why(plane: DataPlane) -> None:
    response = await plane.execute("welcome", {"userId": 1}, role="viewer")
    problem = problem_of(response, 403, "forbidden")
    assert problem["detail"] == "the role viewer does not include execute"


@pytest.mark.parametrize("workflow", ["absent", "fetch-user", "Welcome", "a%00b", "a%ffb", "%2e%2e"])
async def test_an_unknown_workflow_is_a_404(plane: DataPlane, workflow: str) -> None:
    problem_of(await plane.execute(workflow), 404, "not-found")


async def test_another_tenant_s_and_no_tenant_s_answers_are_the_same(plane: DataPlane) -> None:
    token = token_for("acme", "tenant-admin")
    theirs = await plane.execute("welcome", {"userId": 1}, tenant="globex", token=token)
    nobodys = await plane.execute("welcome", {"userId": 1}, tenant="initech", token=token)
    problem_of(theirs, 404, "not-found")
    assert theirs.json() == nobodys.json()


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}], ids=["plain", "with a key"])
async def test_a_limit_that_is_reached_is_a_429_that_consumes_nothing(
    plane: DataPlane, documents: str, headers: dict[str, str]
) -> None:
    spec = {"rateLimit": {"requestsPerSecond": 0.01, "burstSize": 2}}
    await plane.services.registry.install(served_bundle(revision=2, documents=documents, spec=spec))
    first = await plane.execute("welcome", {"userId": 1})
    assert '"rate-limit";q=2;w=200' in first.headers["RateLimit-Policy"]
    assert '"rate-limit";r=1' in first.headers["RateLimit"]
    malformed = await plane.ask("POST", "/workflows/welcome/execute", content=b"{", headers=headers)
    assert (malformed.status_code, '"rate-limit";r=0' in malformed.headers["RateLimit"]) == (400, True)
    for _ in range(2):
        refused = await plane.execute("welcome", {"userId": 1})
        problem = problem_of(refused, 429, "rate-limited")
        assert problem["violated-policies"] == ["rate-limit"]
        assert int(refused.headers["Retry-After"]) >= 1
    assert (await plane.execute("welcome", {"userId": 1}, tenant="globex")).status_code == 200


async def test_concurrency_is_given_back_however_a_request_ends(plane: DataPlane, documents: str) -> None:
    spec = {"quotas": {"maxConcurrentWorkflows": 1}}
    await plane.services.registry.install(served_bundle(revision=2, documents=documents, spec=spec))
    endings = [
        await plane.execute("welcome", {"userId": 1}),
        await plane.execute("welcome", {"userId": "one"}),
        await plane.ask("POST", "/workflows/welcome/execute", content=b"{"),
        await plane.execute("unlucky", {"fail": 500}),
        await plane.execute("hurried", {"hang": True}),
        await plane.execute("welcome", {"userId": 1}),
    ]
    assert [ending.status_code for ending in endings] == [200, 422, 400, 502, 504, 200]


async def test_more_at_once_than_allowed_is_a_429(plane: DataPlane, documents: str) -> None:
    spec = {"quotas": {"maxConcurrentWorkflows": 1}}
    await plane.services.registry.install(served_bundle(revision=2, documents=documents, spec=spec))
    first = asyncio.create_task(plane.execute("unlucky", {"hang": True}))
    execution = await running_execution(plane)
    problem_of(await plane.execute("welcome", {"userId": 1}), 429, "rate-limited")
    await plane.ask("POST", f"/executions/{execution}/cancel")
    await first
    assert (await plane.execute("welcome", {"userId": 1})).status_code == 200


async def running_execution(plane: DataPlane, workflow: str = "unlucky") -> str:
    """The id of the one execution in flight, once it is."""
    while True:
        page = (await plane.ask("GET", f"/workflows/{workflow}/executions?status=running")).json()
        if page["executions"]:
            return str(page["executions"][0]["id"])


@pytest.mark.parametrize(
    ("workflow", "value", "code", "detail"),
    [
        ("unlucky", {"fail": 410}, "upstream-status", "the upstream answered 410"),
        ("unlucky", {"reset": True}, "upstream-connection", "the connection broke"),
        (
            "unlucky",
            {"body": "html"},
            "upstream-response",
            "with text/html; charset=utf-8 that cannot be read",
        ),
        ("unlucky", {"body": "malformed"}, "upstream-response", "not JSON"),
        ("unlucky", {"size": 10_000_000}, "response-too-large", "over the limit of 4194304"),
        ("unlucky", {"gzipBomb": True}, "response-too-large", "decompresses to over"),
        ("impatient", {"hang": True}, "upstream-timeout", "within 0.05 s"),
        ("surprised", {}, "output-mismatch", "the output of task broken-schema"),
        ("intrude", {}, "egress-denied", "may not reach 10.0.0.1"),
    ],
)
async def test_a_task_that_failed_is_a_502_that_names_it(
    plane: DataPlane, workflow: str, value: Any, code: str, detail: str
) -> None:
    response = await plane.execute(workflow, value)
    problem = problem_of(response, 502, code)
    assert detail in problem["detail"]
    assert problem["source"] == ("caller" if code == "egress-denied" else "upstream")
    assert problem["taskId"] in {"call", "words"}
    assert problem["executionId"] == response.headers["Execution-Id"]


async def test_a_caller_s_value_that_a_step_cannot_use_is_a_422_that_names_the_step(plane: DataPlane) -> None:
    response = await plane.execute("pure", {})
    problem = problem_of(response, 422, "unresolved")
    assert (problem["source"], problem["taskId"]) == ("caller", "words")
    assert "input.name" in problem["detail"]


async def test_a_failure_that_a_later_try_may_cure_says_when(plane: DataPlane) -> None:
    busy = await plane.execute("unlucky", {"fail": 503, "retryAfter": 7})
    assert problem_of(busy, 502, "upstream-status")["extra"] == {"upstreamStatus": 503}
    assert busy.headers["Retry-After"] == "7"
    assert (await plane.execute("impatient", {"hang": True})).headers["Retry-After"] == "1"
    assert "Retry-After" not in (await plane.execute("unlucky", {"fail": 410})).headers


async def test_retries_make_a_flaky_upstream_a_200(plane: DataPlane) -> None:
    response = await plane.execute("patient", {"fail": 503, "times": 2, "key": "two"})
    assert (response.status_code, response.json()) == (200, 1)
    failed = await plane.execute("patient", {"fail": 503, "times": 3, "key": "three"})
    problem_of(failed, 502, "upstream-status")


async def test_a_deadline_that_is_too_short_is_a_504(plane: DataPlane) -> None:
    problem = problem_of(await plane.execute("hurried", {"hang": True}), 504, "deadline")
    assert problem["detail"] == "the deadline passed before call ended"


async def test_a_tenant_s_longest_execution_bounds_every_deadline(plane: DataPlane, documents: str) -> None:
    spec = {"quotas": {"maxExecutionDuration": "50ms"}}
    await plane.services.registry.install(served_bundle(revision=2, documents=documents, spec=spec))
    problem_of(await plane.execute("unlucky", {"hang": True}), 504, "deadline")


async def test_a_suspended_tenant_is_a_403(plane: DataPlane, documents: str) -> None:
    await plane.services.registry.install(served_bundle(revision=2, documents=documents, suspended=True))
    problem_of(await plane.execute("welcome", {"userId": 1}), 403, "tenant-suspended")
    assert (await plane.execute("welcome", {"userId": 1}, tenant="globex")).status_code == 200


async def test_a_task_the_tenant_may_not_use_is_a_403(plane: DataPlane, documents: str) -> None:
    spec = {"allowedTaskRefs": ["*", "!fetch-*"]}
    await plane.services.registry.install(served_bundle(revision=2, documents=documents, spec=spec))
    problem = problem_of(await plane.execute("welcome", {"userId": 1}), 403, "forbidden")
    assert "fetch-user" in problem["detail"]


async def test_an_executor_that_is_draining_is_a_503(plane: DataPlane) -> None:
    await plane.services.executor.drain(1)
    response = await plane.execute("welcome", {"userId": 1})
    problem_of(response, 503, "draining")
    assert response.headers["Retry-After"] == "1"


async def test_a_cancelled_execution_is_a_503(plane: DataPlane) -> None:
    waiting = asyncio.create_task(plane.execute("unlucky", {"hang": True}))
    execution = await running_execution(plane)
    cancelled = await plane.ask("POST", f"/executions/{execution}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert problem_of(await waiting, 503, "cancelled")["executionId"] == execution
    again = await plane.ask("POST", f"/executions/{execution}/cancel")
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")


async def test_what_is_still_running_when_a_drain_ends_is_left_to_others_and_its_caller_told_where(
    plane: DataPlane,
) -> None:
    waiting = asyncio.create_task(plane.execute("unlucky", {"hang": True}))
    execution = await running_execution(plane)
    await plane.services.executor.drain(0)
    answer = await waiting
    location = f"/tenants/acme/api/v1/executions/{execution}"
    assert (answer.status_code, answer.headers["Location"]) == (202, location)
    assert answer.headers["Execution-Id"] == execution
    links = {"self": location, "trace": f"{location}/trace", "events": f"{location}/events"}
    assert answer.json() == {"id": execution, "status": "running", "links": links}


async def test_what_is_not_journaled_and_still_running_when_a_drain_ends_is_a_503(
    plane: DataPlane, documents: str
) -> None:
    unkept = documents.replace(
        "metadata: {name: unlucky}\nspec:", "metadata: {name: unlucky}\nspec:\n  durability: none"
    )
    await plane.services.registry.install(served_bundle(revision=2, documents=unkept))
    waiting = asyncio.create_task(plane.execute("unlucky", {"hang": True}))
    execution = await running_execution(plane)
    await plane.services.executor.drain(0)
    answer = await waiting
    assert problem_of(answer, 503, "draining")["executionId"] == execution
    assert answer.headers["Retry-After"] == "1"


async def test_a_definition_that_does_not_compile_is_a_409_that_says_why(
    plane: DataPlane, documents: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = documents.replace("type: transform, value:", "type: transform, valve:")
    await plane.services.registry.install(served_bundle(revision=2, documents=broken))
    problem = problem_of(await plane.execute("pure"), 409, "version-unavailable")
    assert "valve" in problem["detail"]
    assert "valve" in caplog.text
    assert (await plane.execute("unlucky")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tenants/acme/api/v1"),
        ("GET", "/tenants/acme/api/v1/workflows/"),
        ("GET", "/tenants/acme/api/v1//workflows"),
        ("GET", "/tenants/acme/api/v1/workflows;x"),
        ("GET", "/tenants/globex%2fapi/v1/workflows"),
        ("GET", "/tenants/acme%2f..%2fglobex/api/v1/workflows"),
        ("GET", "/tenants/acme/api/v1/workflows/..%2f..%2f..%2fglobex"),
        ("GET", "/tenants/globex/../acme/api/v2/workflows"),
        ("POST", "/nowhere"),
    ],
)
async def test_a_path_that_leads_nowhere_is_a_404(plane: DataPlane, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {token_for('acme', 'tenant-admin')}"}
    problem_of(await plane.client.request(method, path, headers=headers), 404, "not-found")


@pytest.mark.parametrize(("method", "path"), [("GET", "/execute"), ("DELETE", ""), ("PUT", "/test")])
async def test_a_method_a_path_does_not_have_is_a_405_that_says_which_it_has(
    plane: DataPlane, method: str, path: str
) -> None:
    response = await plane.ask(method, f"/workflows/welcome{path}")
    problem_of(response, 405, "method-not-allowed")
    assert response.headers["Allow"] in {"GET", "POST"}
