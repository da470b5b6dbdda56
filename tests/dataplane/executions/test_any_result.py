"""Whatever an upstream answers: kept and carried over to another executor as it is, or refused by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.executors import lease_of

if TYPE_CHECKING:
    from tests.support.executors import Executors

KEPT = {
    "4 MiB": json.dumps("x" * (4 * 1024 * 1024 - 2)).encode(),
    "many": json.dumps(list(range(100_000))).encode(),
    "nested": b"[" * 60 + b"]" * 60,
    "every character": json.dumps("".join(map(chr, [*range(1, 0xD800), 0xFFFF, 0x10FFFF]))).encode(),
    "long numbers": b"[9007199254740993, -0.0, 1e-308, 123456789.123456789]",
    "duplicate keys": b'{"a": 1, "a": 2}',
    "the journal's own words": b'[{"type": "WorkflowCompleted", "at": 0, "output": null}]',
}
REFUSED = {
    "a null character": b'{"a": "\\u0000"}',
    "half a character": b'{"a": "\\ud800"}',
    "no number": b'{"a": NaN}',
    "no end": b'{"a": Infinity}',
    "no bottom": b"[" * 100_000 + b"]" * 100_000,
    "a long number": b"1" + b"0" * 5000,
    "no text": b'{"a": "\xff"}',
}


@pytest.mark.parametrize("what", KEPT)
async def test_a_result_of_any_kind_is_carried_over_as_it_is(executors: Executors, what: str) -> None:
    executors.upstream.answers["a"] = ("200 OK", KEPT[what])
    one, other = await executors.start("one"), await executors.start("other")
    execution = await executors.begin(one, "carry", held="b")
    await executors.kill(one)
    assert await lease_of(other).look_around() == 1
    executors.upstream.let("b")
    carried = (await executors.output(other, execution))["carried"]
    assert carried == json.loads(KEPT[what])
    assert executors.upstream.asked["a"] == 1
    for view in ("trace", "events", "state"):
        assert (await other.ask("GET", f"/executions/{execution}/{view}")).status_code == 200


@pytest.mark.parametrize("what", REFUSED)
async def test_a_result_that_cannot_be_kept_is_refused_by_name(executors: Executors, what: str) -> None:
    executors.upstream.answers["a"] = ("200 OK", REFUSED[what])
    one = await executors.start("one")
    answer = await one.execute("carry")
    assert (answer.status_code, answer.json()["taskId"]) == (502, "a")
    assert answer.json()["type"].endswith("/upstream-response")
    execution = answer.headers["Execution-Id"]
    for view in ("", "/trace", "/events", "/state"):
        assert (await one.ask("GET", f"/executions/{execution}{view}")).status_code == 200
    del executors.upstream.answers["a"]
    assert (await one.execute("carry")).status_code == 200
