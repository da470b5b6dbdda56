"""Callbacks: which addresses are taken, and what is said at the end of an execution."""

from __future__ import annotations

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.protocol.callbacks import (
    MAX_URL_CHARACTERS,
    CallbackUrlError,
    EndedAs,
    completion_body,
    parse_callback_url,
)

LONGEST = "https://example.com/" + "a" * (MAX_URL_CHARACTERS - len("https://example.com/"))


class Failure(msgspec.Struct):
    code: str
    message: str


def body(status: EndedAs, **told: object) -> dict[str, object]:
    text = completion_body(
        execution_id="019ca945-0a00-7316-9d6e-83367b976cd1",
        tenant="acme",
        workflow="billing/invoice",
        version=3,
        run=2,
        status=status,
        ended_at=1_772_366_400.25,
        **told,  # type: ignore[arg-type]  # each case names its own
    )
    value: dict[str, object] = json.loads(text)
    return value


def test_a_completed_execution_tells_its_output() -> None:
    assert body("completed", output={"total": 2}) == {
        "type": "execution.completed",
        "timestamp": "2026-03-01T12:00:00.250000Z",
        "data": {
            "executionId": "019ca945-0a00-7316-9d6e-83367b976cd1",
            "tenant": "acme",
            "workflow": "billing/invoice",
            "version": 3,
            "run": 2,
            "status": "completed",
            "output": {"total": 2},
        },
    }


def test_an_output_that_is_null_is_told() -> None:
    data = body("completed", output=None)["data"]
    assert isinstance(data, dict)
    assert data["output"] is None
    assert "failure" not in data


def test_a_failed_execution_tells_its_failure_and_a_cancelled_one_neither() -> None:
    failure = Failure("upstream-status", "the upstream answered 503")
    failed, cancelled = (body(status, output=1, failure=failure) for status in ("failed", "cancelled"))
    assert failed["type"] == "execution.failed"
    assert isinstance(failed["data"], dict)
    assert failed["data"]["failure"] == {"code": "upstream-status", "message": "the upstream answered 503"}
    assert "output" not in failed["data"]
    assert cancelled["type"] == "execution.cancelled"
    assert isinstance(cancelled["data"], dict)
    assert not {"output", "failure"} & cancelled["data"].keys()


def test_the_text_can_be_stored_whatever_the_output_holds() -> None:
    assert "\0" not in completion_body(
        execution_id="x",
        tenant="acme",
        workflow="w",
        version=1,
        run=1,
        status="completed",
        ended_at=0.0,
        output="a\0b",
    )


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com",
        "http://example.com:8080/hooks/1?token=a%20b&x=/y",
        "HTTPS://EXAMPLE.COM/",
        "https://[2001:db8::1]:443/",
        "https://example.com/a@b",
        LONGEST,
    ],
)
def test_an_http_address_is_taken_as_it_is_given(text: str) -> None:
    assert parse_callback_url(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must begin with"),
        ("example.com/hook", "must begin with"),
        ("ftp://example.com/", "must begin with"),
        ("javascript:alert(1)", "must begin with"),
        ("https:/example.com", "must begin with"),
        ("https:///hook", "must begin with"),
        ("https://:443/", "must begin with"),
        ("https://example.com:0/", "must begin with"),
        ("https://example.com:99999/", "host or port"),
        ("https://example.com:http/", "host or port"),
        ("https://[::1/", "host or port"),
        ("https://[example]/", "host or port"),
        ("https://.example.com/", "host or port"),
        (f"https://{'a' * 64}.com/", "host or port"),
        ("https://user:pass@example.com/", "no credentials"),
        ("https://@example.com/", "no credentials"),
        ("https://good.example\\@evil.example/", "no credentials"),
        ("https://example.com/#top", "no fragment"),
        ("https://example.com/#", "no fragment"),
        (" https://example.com/", "percent-encode"),
        ("https://example.com/a b", "percent-encode"),
        ("https://example.com/\r\nX-Evil: 1", "percent-encode"),
        ("https://example.com/\x00", "percent-encode"),
        ("https://example.com/\x7f", "percent-encode"),
        ("https://ex\tample.com/", "percent-encode"),
        ("https://ex\xe4mple.com/", "percent-encode"),
        (LONGEST + "a", "at most 2048"),
        ("https://example.com/" + "a" * 10_240, "at most 2048"),
    ],
)
def test_any_other_text_is_refused_with_a_reason_that_repeats_nothing_of_it(text: str, reason: str) -> None:
    with pytest.raises(CallbackUrlError, match=reason) as caught:
        parse_callback_url(text)
    assert "pass" not in caught.value.reason
    assert len(caught.value.reason) < 100


@given(
    st.text(st.characters(codec="latin-1"), max_size=60)
    | st.from_regex(r"https?://[!-~]{0,40}", fullmatch=True)
)
def test_whatever_the_text_it_is_taken_or_refused(text: str) -> None:
    with suppress(CallbackUrlError):
        assert parse_callback_url(text) == text
