"""What an `http` task sends and how it reads the answer: rendering and judging, over a client of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.engine.core.events import FailureCode
from tenantry.dataplane.engine.ports import Attempt, AttemptFailedError
from tenantry.dataplane.tasks.http import DEADLINE_HEADER
from tenantry.dataplane.tasks.http_client import HttpRequest, HttpResponse
from tenantry.dataplane.telemetry.context import TRACEPARENT, traceparent_of
from tenantry.language.plan.model import BodyEncoding, HttpOutput
from tenantry.language.templates.compiling import compile_value
from tenantry.language.templates.headers import compile_header
from tenantry.language.templates.scope import Scope
from tenantry.protocol.problems import Source
from tests.support.attempts import attempt, failure_of, http_call, make_runner, output_of

if TYPE_CHECKING:
    from tenantry.language.plan.model import CallPlan

URL = "http://upstream/things"


class ScriptedClient:
    """Answers every request the same and remembers the last one."""

    def __init__(self, body: bytes = b"{}", status: int = 200, **headers: Any) -> None:
        self._response = HttpResponse(
            status, {name.replace("_", "-"): text for name, text in headers.items()}, body
        )
        self.request: HttpRequest | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.request = request
        return self._response

    async def close(self) -> None:
        """Nothing is held."""


async def sent(step: CallPlan, value: Any = None, seconds: float = 30.0) -> HttpRequest:
    client = ScriptedClient()
    await attempt(make_runner(client), step, value, seconds)
    assert client.request is not None
    return client.request


async def output(client: ScriptedClient, **options: Any) -> Any:
    return await output_of(make_runner(client), http_call(URL, **options))


async def test_query_values_are_text_a_list_repeats_and_null_drops_the_parameter() -> None:
    query: dict[str, Any] = {
        "a": "{{input.a}}",
        "b": "x y&z",
        "n": "{{input.n}}",
        "gone": "{{input.gone}}",
        "l": [1, "é"],
    }
    step = http_call(URL, query=tuple((name, compile_value(value)) for name, value in query.items()))
    request = await sent(step, {"a": True, "n": 1.5, "gone": None})
    assert request.url == f"{URL}?a=true&b=x+y%26z&n=1.5&l=1&l=%C3%A9"


async def test_a_query_joins_the_one_in_the_url() -> None:
    step = http_call(f"{URL}?first=1", query=(("second", compile_value(2)),))
    assert (await sent(step)).url == f"{URL}?first=1&second=2"


async def test_a_query_of_nulls_leaves_the_url_alone() -> None:
    assert (await sent(http_call(URL, query=(("gone", compile_value(None)),)))).url == URL


async def test_the_upstream_hears_how_long_the_caller_waits() -> None:
    step = http_call(URL, timeout_seconds=2.5)
    assert (await sent(step, seconds=30.0)).headers[DEADLINE_HEADER] == "2500"
    assert (await sent(step, seconds=0.75)).headers[DEADLINE_HEADER] == "750"


EXECUTION = "019ca945-0a00-7316-9d6e-83367b976cd1"
CALLERS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


async def sent_by(step: CallPlan, **attempt_: Any) -> HttpRequest:
    """What an attempt of an execution sends."""
    client = ScriptedClient()
    scope = Scope(input=None, execution_id=EXECUTION)
    await make_runner(client).run(Attempt("lines[3]", step, scope, Source.CALLER, 30.0, **attempt_))
    assert client.request is not None
    return client.request


async def test_the_upstream_is_told_the_span_of_the_very_attempt() -> None:
    first = (await sent_by(http_call(URL))).headers[TRACEPARENT]
    assert first == traceparent_of(EXECUTION, "", 1, "lines[3]", 1)
    later = (await sent_by(http_call(URL), number=2, run=3, traceparent=CALLERS)).headers[TRACEPARENT]
    assert later == traceparent_of(EXECUTION, CALLERS, 3, "lines[3]", 2)


async def test_an_author_s_own_trace_context_wins() -> None:
    own = http_call(URL, headers=(("TraceParent", compile_header("mine")),))
    headers = (await sent_by(own, traceparent=CALLERS)).headers
    assert [text for name, text in headers.items() if name.lower() == TRACEPARENT] == ["mine"]


@pytest.mark.parametrize(
    ("encoding", "body", "expected", "content_type"),
    [
        (BodyEncoding.JSON, {"a": "{{input.a}}"}, b'{"a":1}', "application/json"),
        (BodyEncoding.JSON, "{{input.gone}}", b"null", "application/json"),
        (
            BodyEncoding.FORM,
            {"a": "{{input.a}}", "b": "x y", "gone": None},
            b"a=1&b=x+y",
            "application/x-www-form-urlencoded",
        ),
        (BodyEncoding.FORM, "a=1", b"a=1", "application/x-www-form-urlencoded"),
        (BodyEncoding.TEXT, "a is {{input.a}}", b"a is 1", "text/plain; charset=utf-8"),
        (BodyEncoding.TEXT, {"a": 1}, b'{"a":1}', "text/plain; charset=utf-8"),
    ],
)
async def test_a_body_is_encoded_and_says_what_it_is(
    encoding: BodyEncoding, body: Any, expected: bytes, content_type: str
) -> None:
    step = http_call(URL, "POST", body=compile_value(body), body_encoding=encoding)
    request = await sent(step, {"a": 1, "gone": None})
    assert (request.method, request.body) == ("POST", expected)
    assert request.headers["Content-Type"] == content_type


async def test_a_content_type_the_author_gives_stays() -> None:
    headers = (("content-type", compile_header("application/vnd.shop+json")),)
    request = await sent(http_call(URL, "POST", body=compile_value({}), headers=headers))
    assert "Content-Type" not in request.headers
    assert request.headers["content-type"] == "application/vnd.shop+json"


async def test_without_a_body_nothing_is_sent() -> None:
    request = await sent(http_call(URL))
    assert request.body is None
    assert "Content-Type" not in request.headers


async def test_a_value_that_would_end_a_header_fails_the_attempt() -> None:
    step = http_call(URL, headers=(("X-Name", compile_header("{{input.name}}")),))
    failure = await failure_of(make_runner(ScriptedClient()), step, {"name": "a\r\nX-Admin: yes"})
    assert failure.code is FailureCode.UNRESOLVED
    assert "a header cannot hold a line break" in failure.message


async def test_what_was_sent_is_counted_whether_it_succeeds_or_not() -> None:
    step = http_call(URL, "POST", body=compile_value("12345678"))
    good = await attempt(make_runner(ScriptedClient()), step)
    assert good.egress_bytes == 10
    for bad in (ScriptedClient(status=500), ScriptedClient(b"{")):
        with pytest.raises(AttemptFailedError) as caught:
            await attempt(make_runner(bad), step)
        assert caught.value.egress_bytes == 10


@pytest.mark.parametrize("body", [b"", b"  \r\n"])
@pytest.mark.parametrize("form", HttpOutput)
async def test_a_body_of_nothing_is_null(body: bytes, form: HttpOutput) -> None:
    answer = await output(ScriptedClient(body, content_type="application/json"), output=form)
    assert (answer["body"] if form is HttpOutput.RESPONSE else answer) is None


async def test_a_text_body_of_a_whole_response_is_text_whatever_its_bytes() -> None:
    answer = await output(ScriptedClient(b"caf\xe9", content_type="text/plain"), output=HttpOutput.RESPONSE)
    assert answer["body"] == "caf\N{REPLACEMENT CHARACTER}"


async def test_text_that_cannot_be_stored_is_refused() -> None:
    client = ScriptedClient(b"a\0b", content_type="text/plain")
    failure = await failure_of(make_runner(client), http_call(URL, output=HttpOutput.RESPONSE))
    assert failure.code is FailureCode.UPSTREAM_RESPONSE
    assert "U+0000" in failure.message


@pytest.mark.parametrize(
    "body",
    [
        b"NaN",
        b"1e999",
        b"9" * 400,
        b"[" * 100 + b"]" * 100,
        b'"\\u0000"',
        b'"\\ud800"',
        b'{"a": 1} trailing',
        b"\xff\xfe",
    ],
)
async def test_json_out_of_bounds_fails_the_attempt(body: bytes) -> None:
    failure = await failure_of(make_runner(ScriptedClient(body)), http_call(URL))
    assert failure.code is FailureCode.UPSTREAM_RESPONSE
    assert "no Content-Type that cannot be read" in failure.message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message": "no stock", "title": "Conflict"}', ": no stock"),
        (b'{"detail": "", "error": {"code": 1}, "title": "Conflict"}', ": Conflict"),
        (b'{"detail": "' + b"x" * 500 + b'"}', ": " + "x" * 200),
        (b'{"other": "secret"}', ""),
        (b'["secret"]', ""),
        (b"secret", ""),
    ],
)
async def test_of_a_failure_only_the_upstream_s_own_message_is_repeated_and_shortened(
    body: bytes, said: str
) -> None:
    failure = await failure_of(make_runner(ScriptedClient(body, 409)), http_call(URL))
    assert failure.message == f"the upstream answered 409{said}"


DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "12"}, 12.0),
        ({"retry_after": "9" * 50}, 999_999_999.0),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, 30.0),
        ({"retry_after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": DATE}, 0.0),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0.0),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:30", "date": DATE}, 0.0),
        ({"retry_after": f"Wed, 21 Oct {'9' * 30} 07:28:30 GMT", "date": DATE}, 0.0),
        ({"retry_after": "soon", "date": DATE}, 0.0),
        ({"retry_after": "\xb2"}, 0.0),
        ({}, 0.0),
    ],
)
async def test_retry_after_is_seconds_or_a_date_and_anything_else_is_nothing(
    headers: dict[str, Any], seconds: float
) -> None:
    failure = await failure_of(make_runner(ScriptedClient(status=503, **headers)), http_call(URL))
    assert failure.retry_after_seconds == seconds
