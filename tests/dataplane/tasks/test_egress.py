"""Where a tenant's tasks may connect: the address is judged that is connected to, however it is spelled."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.engine.core.events import FailureCode
from tenantry.dataplane.tasks.pooled_client import PooledClient
from tenantry.protocol.problems import Source
from tenantry.tenants.egress import compile_egress_policy
from tests.support.attempts import failure_of, http_call, make_runner, output_of
from tests.support.upstream import Peer, serve

if TYPE_CHECKING:
    from tenantry.dataplane.tasks.runner import CallRunner


def runner_allowed(*allow: str) -> CallRunner:
    return make_runner(PooledClient(compile_egress_policy(allow)))


async def answer_all(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.answer(b'"reached"')


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Makes every name resolve to these; gives the names asked for."""
    asked: list[str] = []

    async def getaddrinfo(host: str, port: int, **_options: Any) -> list[Any]:
        asked.append(host)
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port))
            for family, address in zip(families, addresses, strict=True)
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "017700000001",
        "\uff11\uff12\uff17.0.0.1",
        "0",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "100.100.100.200",
    ],
)
async def test_this_machine_and_its_network_are_out_of_reach_however_they_are_spelled(host: str) -> None:
    async with serve(answer_all) as upstream:
        failure = await failure_of(runner_allowed(), http_call(f"http://{host}:{upstream.port}/"))
        assert failure.code in {FailureCode.EGRESS_DENIED, FailureCode.UPSTREAM_CONNECTION}
        assert upstream.connections == 0
    if failure.code is FailureCode.UPSTREAM_CONNECTION:
        assert "has no address" in failure.message  # this machine does not read the spelling at all


async def test_a_refusal_says_what_to_do_and_is_the_caller_s() -> None:
    failure = await failure_of(runner_allowed("*.example.com"), http_call("http://127.0.0.1/"))
    assert (failure.code, failure.source) == (FailureCode.EGRESS_DENIED, Source.CALLER)
    assert "add it to spec.egress.allow" in failure.message
    assert not failure.outcome_unknown


async def test_an_address_that_is_allowed_is_reached() -> None:
    async with serve(answer_all) as upstream:
        assert await output_of(runner_allowed("127.0.0.0/8"), http_call(upstream.url)) == "reached"


async def test_a_name_is_judged_by_the_address_it_resolves_to(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "10.0.0.5")
    failure = await failure_of(runner_allowed("*.example.com"), http_call("http://inner.example.com/"))
    assert failure.code is FailureCode.EGRESS_DENIED
    assert "may not reach inner.example.com" in failure.message


async def test_of_several_addresses_only_permitted_ones_are_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serve(answer_all) as upstream:
        resolve_to(monkeypatch, "10.0.0.5", "127.0.0.1", "::1")
        step = http_call(f"http://shop.test:{upstream.port}/")
        assert await output_of(runner_allowed("127.0.0.1"), step) == "reached"
        assert upstream.connections == 1


async def test_an_answer_is_kept_so_a_name_server_cannot_change_it_between_judging_and_connecting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serve(answer_all) as upstream:
        asked = resolve_to(monkeypatch, "127.0.0.1")
        runner = runner_allowed("127.0.0.1")
        step = http_call(f"http://shop.test:{upstream.port}/")
        await asyncio.gather(*(output_of(runner, step) for _ in range(3)))
        await output_of(runner, step)
        assert len(asked) <= 3  # once for each that came before the first answer, none after


async def test_a_name_that_is_not_found_may_be_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*_arguments: Any, **_options: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    failure = await failure_of(runner_allowed(), http_call("http://nowhere.test/"))
    assert failure.code is FailureCode.UPSTREAM_CONNECTION
    assert failure.message == "nowhere.test has no address: Name or service not known"
    assert not failure.outcome_unknown


async def test_redirects_are_not_followed() -> None:
    async def redirect(peer: Peer) -> None:
        await peer.request()
        await peer.answer(status="302 Found", headers="Location: http://169.254.169.254/\r\n")

    async with serve(redirect) as upstream:
        failure = await failure_of(runner_allowed("127.0.0.1"), http_call(upstream.url))
        assert (failure.code, failure.status) == (FailureCode.UPSTREAM_STATUS, 302)
        assert upstream.connections == 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "example.com",
        "http:///path",
        "http://user:password@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http://example.com:0x50/",
        "http://example.com:99999/",
        "http://a..b/",
        "http://[::1/",
        f"http://{'a' * 64}.com/",
        "http://example.com/a b",
        "http://example.com/a\r\nX-Admin:yes",
        "http://example.com/\xe9",
    ],
)
async def test_what_is_no_url_is_never_sent(url: str) -> None:
    failure = await failure_of(runner_allowed(), http_call(url))
    assert (failure.code, failure.source) == (FailureCode.REQUEST_INVALID, Source.CALLER)
