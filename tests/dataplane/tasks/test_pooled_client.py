"""HTTP over kept connections, against upstreams that break every rule."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.tasks import origin
from tenantry.dataplane.tasks.connection import Connection
from tenantry.dataplane.tasks.http_client import (
    BadRequestError,
    BadResponseError,
    ConnectionFailedError,
    HttpRequest,
    ResponseTooLargeError,
)
from tenantry.dataplane.tasks.origin import Origin
from tenantry.dataplane.tasks.pooled_client import PooledClient
from tenantry.tenants.egress import compile_egress_policy
from tests.support.certificates import make_tls
from tests.support.upstream import Peer, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

LIMIT = 100_000


def request(
    url: str, method: str = "GET", body: bytes | None = None, *, repeatable: bool = True, **headers: Any
) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest(
        method=method,
        url=url,
        headers=named,
        body=body,
        max_response_bytes=LIMIT,
        timeout_seconds=10,
        repeatable=repeatable,
    )


def say(*pieces: bytes) -> Callable[[Peer], Coroutine[Any, Any, None]]:
    """Says the same after each request, in these pieces, then closes."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await peer.send(piece)

    return script


def echo(seen: list[bytes]) -> Callable[[Peer], Coroutine[Any, Any, None]]:
    async def script(peer: Peer) -> None:
        while True:
            seen.append(await peer.request())
            await peer.answer(str(peer.number).encode())

    return script


async def test_a_connection_is_used_again(client: PooledClient) -> None:
    async with serve(echo([])) as upstream:
        for _ in range(5):
            assert (await client.send(request(upstream.url))).body == b"1"
        assert upstream.connections == 1


async def test_calls_at_the_same_time_have_connections_of_their_own(client: PooledClient) -> None:
    everybody = asyncio.Barrier(3)

    async def together(peer: Peer) -> None:
        await peer.request()
        await everybody.wait()
        await peer.answer(str(peer.number).encode())

    async with serve(together) as upstream:
        answers = await asyncio.gather(*(client.send(request(upstream.url)) for _ in range(3)))
        assert sorted(answer.body for answer in answers) == [b"1", b"2", b"3"]


async def test_a_request_is_sent_as_it_is_meant(client: PooledClient) -> None:
    seen: list[bytes] = []
    async with serve(echo(seen)) as upstream:
        await client.send(request(f"{upstream.url}?a=1#part", "POST", b"body", Accept="text/plain", X_A="é"))
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /?a=1 HTTP/1.1"
    assert set(lines[1:]) == {
        f"Host: 127.0.0.1:{upstream.port}",
        "Accept: text/plain",
        "X-A: é",
        "Accept-Encoding: gzip, deflate",
        "User-Agent: Tenantry",
        "Content-Length: 4",
    }
    assert body == b"body"


async def test_a_template_cannot_change_how_the_message_travels(client: PooledClient) -> None:
    seen: list[bytes] = []
    own: dict[str, Any] = {
        "Host": "evil",
        "content_length": "0",
        "Transfer_Encoding": "chunked",
        "Connection": "close",
    }
    async with serve(echo(seen)) as upstream:
        await client.send(request(upstream.url, "POST", b"12345", **own))
    assert seen[0].endswith(b"Content-Length: 5\r\n\r\n12345")
    assert b"evil" not in seen[0]
    assert b"chunked" not in seen[0]
    assert b"close" not in seen[0]


@pytest.mark.parametrize(
    ("method", "expected"), [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False)]
)
async def test_a_method_that_usually_has_a_body_says_when_it_has_none(
    client: PooledClient, method: str, *, expected: bool
) -> None:
    seen: list[bytes] = []
    async with serve(echo(seen)) as upstream:
        await client.send(request(upstream.url, method))
    assert (b"Content-Length: 0" in seen[0]) is expected


@pytest.mark.parametrize(
    "headers", [{"X_A": "a\r\nX-Admin: yes"}, {"X_A": "a\nb"}, {"X_A": "a\0b"}, {"X A": "b"}, {"": "b"}]
)
async def test_a_header_that_would_become_two_is_not_sent(
    client: PooledClient, headers: dict[str, Any]
) -> None:
    async with serve(echo([])) as upstream:
        with pytest.raises(BadRequestError, match="cannot be sent") as caught:
            await client.send(request(upstream.url, **headers))
        assert upstream.connections == 0
    assert not caught.value.sent


async def test_a_method_that_is_no_word_is_not_sent(client: PooledClient) -> None:
    with pytest.raises(BadRequestError):
        await client.send(request("http://127.0.0.1/", "GET / HTTP/1.1\r\nX: "))


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD + b"Content-Length: 4\r\n\r\nbody"],
        [HEAD[:5], HEAD[5:] + b"Content-Le", b"ngth: 4\r\n\r\nbo", b"dy"],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Trailer: 1\r\n\r\n"],
        [HEAD + b"\r\n", b"bo", b"dy"],
        [b"HTTP/1.0 200 OK\r\n\r\nbody"],
        [b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n", HEAD + b"Content-Length: 4\r\n\r\nbody"],
        [HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"body")],
        [HEAD + b"Content-Encoding: IDENTITY \r\n\r\nbody"],
    ],
)
async def test_a_response_is_read_however_it_is_framed(client: PooledClient, pieces: list[bytes]) -> None:
    async with serve(say(*pieces)) as upstream:
        response = await client.send(request(upstream.url))
    assert (response.status, response.body) == (200, b"body")
    assert "x-trailer" not in response.headers
    assert "x-early" not in response.headers


async def test_repeated_headers_are_joined_and_their_bytes_can_be_stored(client: PooledClient) -> None:
    head = HEAD + b"Content-Length: 0\r\nX-A: 1\r\nx-a: caf\xe9\r\n\r\n"
    async with serve(say(head)) as upstream:
        response = await client.send(request(upstream.url))
    assert response.headers["x-a"] == "1, caf\N{LATIN SMALL LETTER E WITH ACUTE}"


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([b"SSH-2.0-OpenSSH_9.9\r\n"], "no valid HTTP"),
        ([HEAD + b"Content-Length: 4, 5\r\n\r\nbody"], "no valid HTTP"),
        ([HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n"], "no valid HTTP"),
        ([HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"], "no valid HTTP"),
        ([HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n"], "Transfer-Encoding 'gzip, chunked'"),
        ([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"], "switched"),
        ([HEAD + b"X-Long: " + b"x" * 70_000], "head has over 65536 bytes"),
        (
            [HEAD + b"X-Long: " + b"x" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n"],
            "head has over 65536 bytes",
        ),
        ([b"HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n" * 4000], "head has over 65536 bytes"),
        ([HEAD + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx"], "'br' was not asked for"),
    ],
)
async def test_what_is_not_http_as_we_accept_it_is_refused(
    client: PooledClient, pieces: list[bytes], message: str
) -> None:
    async with serve(say(*pieces)) as upstream:
        with pytest.raises(BadResponseError, match=message) as caught:
            await client.send(request(upstream.url))
    assert caught.value.sent


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [HEAD],
        [HEAD + b"Content-Length: 5\r\n\r\nbody"],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n"],
    ],
)
async def test_a_response_that_is_cut_short_is_no_response(client: PooledClient, pieces: list[bytes]) -> None:
    async with serve(say(*pieces)) as upstream:
        with pytest.raises(ConnectionFailedError, match="closed before the response was whole") as caught:
            await client.send(request(upstream.url))
    assert caught.value.sent


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 100001\r\n\r\n", b"\r\n", b"Transfer-Encoding: chunked\r\n\r\n186a1\r\n"]
)
async def test_a_response_over_the_limit_is_cut_off_and_its_connection_closed(
    client: PooledClient, framing: bytes
) -> None:
    closed = asyncio.Event()

    async def flood(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + framing + b"x" * (LIMIT + 1))
        await peer.closed()
        closed.set()

    async with serve(flood) as upstream:
        with pytest.raises(ResponseTooLargeError, match="100000"):
            await client.send(request(upstream.url))
        await closed.wait()


async def test_the_head_of_something_large_is_read(client: PooledClient) -> None:
    async with serve(say(HEAD + b"Content-Length: 99999999\r\nContent-Encoding: gzip\r\n\r\n")) as upstream:
        response = await client.send(request(upstream.url, "HEAD"))
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize("extra", [b"garbage", HEAD + b"Content-Length: 4\r\n\r\nevil"])
@pytest.mark.parametrize("at_once", [True, False])
async def test_what_nobody_asked_for_never_reaches_the_next_call(
    client: PooledClient, extra: bytes, *, at_once: bool
) -> None:
    closed = asyncio.Event()

    async def talkative(peer: Peer) -> None:
        await peer.request()
        answer = HEAD + b"Content-Length: 1\r\n\r\n" + str(peer.number).encode()
        if at_once:
            await peer.send(answer + extra)
        else:
            await peer.send(answer)
            await answered.wait()
            await peer.send(extra)
        await peer.closed()
        closed.set()

    answered = asyncio.Event()
    async with serve(talkative) as upstream:
        assert (await client.send(request(upstream.url))).body == b"1"
        answered.set()
        await closed.wait()  # the client hung up
        assert (await client.send(request(upstream.url))).body == b"2"


def hang_up_on_second(seen: list[int]) -> Callable[[Peer], Coroutine[Any, Any, None]]:
    """Answers a connection's first request and closes it on its second, as a server whose patience ended."""

    async def script(peer: Peer) -> None:
        await peer.request()
        seen.append(peer.number)
        await peer.answer()
        await peer.request()
        seen.append(peer.number)

    return script


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_a_repeatable_request_on_a_connection_that_was_just_closed_is_sent_again(
    client: PooledClient, method: str
) -> None:
    seen: list[int] = []
    async with serve(hang_up_on_second(seen)) as upstream:
        await client.send(request(upstream.url))
        await client.send(request(upstream.url, method))
    assert seen == [1, 1, 2]


async def test_a_request_that_may_have_taken_effect_is_not_sent_again(client: PooledClient) -> None:
    seen: list[int] = []
    async with serve(hang_up_on_second(seen)) as upstream:
        await client.send(request(upstream.url))
        with pytest.raises(ConnectionFailedError) as caught:
            await client.send(request(upstream.url, "POST", repeatable=False))
    assert caught.value.sent
    assert seen == [1, 1]


async def test_a_connection_the_upstream_closed_meanwhile_is_not_used(
    client: PooledClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    noticed = asyncio.Semaphore(0)
    forget = Origin._forget

    def forget_and_tell(self: Origin, connection: Connection) -> None:
        forget(self, connection)
        noticed.release()

    monkeypatch.setattr(Origin, "_forget", forget_and_tell)
    async with serve(say(HEAD + b"Content-Length: 0\r\n\r\n")) as upstream:
        for method in ("GET", "POST", "POST"):
            await client.send(request(upstream.url, method))
            await noticed.acquire()
        assert upstream.connections == 3


async def test_a_connection_that_is_announced_to_close_is_not_kept(client: PooledClient) -> None:
    closed = asyncio.Event()

    async def last(peer: Peer) -> None:
        await peer.request()
        await peer.answer(headers="Connection: close\r\n")
        await peer.closed()
        closed.set()

    async with serve(last) as upstream:
        await client.send(request(upstream.url))
        await closed.wait()


async def test_a_cancelled_call_closes_its_connection(client: PooledClient) -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def silent(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.closed()
        closed.set()

    async with serve(silent) as upstream:
        call = asyncio.create_task(client.send(request(upstream.url)))
        await asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await closed.wait()


async def test_a_call_cancelled_as_its_answer_comes_closes_its_connection(
    client: PooledClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = asyncio.Event()
    complete = Connection._complete

    def complete_and_cancel(self: Connection) -> None:
        complete(self)
        call.cancel()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer()
        await peer.closed()
        closed.set()

    monkeypatch.setattr(Connection, "_complete", complete_and_cancel)
    async with serve(script) as upstream:
        call = asyncio.create_task(client.send(request(upstream.url)))
        with pytest.raises(asyncio.CancelledError):
            await call
        await closed.wait()


async def test_an_idle_connection_is_closed_after_a_while(
    client: PooledClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "IDLE_SECONDS", 0.001)
    closed = asyncio.Event()

    async def patient(peer: Peer) -> None:
        await peer.request()
        await peer.answer()
        await peer.closed()
        closed.set()

    async with serve(patient) as upstream:
        await client.send(request(upstream.url))
        await closed.wait()


async def test_only_so_many_idle_connections_are_kept(
    client: PooledClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "MAX_IDLE", 1)
    everybody = asyncio.Barrier(3)
    closed = asyncio.Semaphore(0)

    async def together(peer: Peer) -> None:
        await peer.request()
        await everybody.wait()
        await peer.answer()
        await peer.closed()
        closed.release()

    async with serve(together) as upstream:
        await asyncio.gather(*(client.send(request(upstream.url)) for _ in range(3)))
        await closed.acquire()
        await closed.acquire()
        assert closed.locked()  # the third stays
        await client.close()
        await closed.acquire()


async def test_closing_lets_a_call_end_and_then_closes_its_connection(client: PooledClient) -> None:
    asked, answer, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await answer.wait()
        await peer.answer(b"late")
        await peer.closed()
        closed.set()

    async with serve(slow) as upstream:
        call = asyncio.create_task(client.send(request(upstream.url)))
        await asked.wait()
        await client.close()
        answer.set()
        assert (await call).body == b"late"
        await closed.wait()


async def test_https_to_a_server_that_proves_itself(tmp_path: Path) -> None:
    server, trusting = make_tls(tmp_path)
    client = PooledClient(compile_egress_policy(["127.0.0.1"]), trusting)
    async with serve(echo([]), server) as upstream:
        assert (await client.send(request(upstream.url))).body == b"1"
        await client.close()


async def test_https_to_a_server_that_does_not_is_refused(client: PooledClient, tmp_path: Path) -> None:
    server, _trusting = make_tls(tmp_path)
    async with serve(echo([]), server) as upstream:
        with pytest.raises(ConnectionFailedError, match=r"no connection to 127\.0\.0\.1") as caught:
            await client.send(request(upstream.url))
    assert not caught.value.sent
