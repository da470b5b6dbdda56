"""The way to a real Redis: there, away, frozen, back; and what is said of it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.redis import link as linking
from tenantry.dataplane.redis.link import Script, open_link
from tenantry.dataplane.redis.pipeline import RedisDownError
from tests.support.eventually import eventually
from tests.support.redis import run_redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tenantry.dataplane.redis.link import RedisLink
    from tests.support.redis import RedisServer

ECHO = Script("echo", "return {KEYS[1], ARGV[1]}")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "RETRY_SECONDS", 0.01)


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server of this test, to be changed at will."""
    with run_redis() as server:
        yield server


async def is_away(link: RedisLink) -> bool:
    try:
        await link.call("PING")
    except RedisDownError:
        return True
    return False


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == linking.__name__]


async def test_a_script_takes_one_round_trip_once_redis_knows_it(redis_server: RedisServer) -> None:
    async with open_link(redis_server.url) as link:
        assert await link.run(ECHO, ["key"], ["word"]) == [b"key", b"word"]
        await link.call("CONFIG", "RESETSTAT")
        for _ in range(3):
            assert await link.run(ECHO, ["key"], [7]) == [b"key", b"7"]
        statistics = (await link.call("INFO", "commandstats")).decode()
        assert "cmdstat_evalsha:calls=3," in statistics
        assert "cmdstat_eval:" not in statistics


async def test_a_script_that_redis_has_forgotten_is_told_again(redis_server: RedisServer) -> None:
    async with open_link(redis_server.url) as link:
        for _ in range(2):
            await link.call("SCRIPT", "FLUSH")
            assert await link.run(ECHO, ["key"], ["word"]) == [b"key", b"word"]


async def test_what_is_posted_happens_and_nobody_waits(redis_server: RedisServer) -> None:
    async with open_link(redis_server.url) as link:
        link.post("SET", "key", "posted")
        link.post("NO SUCH COMMAND")
        assert await link.call("GET", "key") == b"posted"


async def test_a_redis_that_is_away_is_no_obstacle_and_is_used_when_it_comes(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    own_server.stop()
    async with open_link(own_server.url) as link:
        assert not link.available
        assert await is_away(link)
        link.post("SET", "key", "lost")
        own_server.start()
        await eventually(lambda: link.available)
        assert await link.call("GET", "key") is None
    away, there = told(caplog)
    assert away.startswith("going on without Redis: ")
    assert there == "connected to Redis"


async def test_a_redis_that_stops_and_starts_is_lost_and_found_and_each_is_told_once(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with open_link(own_server.url) as link:
        for connections in (1, 2):
            assert link.connections == connections
            own_server.stop()
            await eventually(lambda: not link.available)
            assert await is_away(link)
            own_server.start()
            await eventually(lambda: link.available)
    assert [line.partition(":")[0] for line in told(caplog)] == [
        "connected to Redis",
        *("going on without Redis", "connected to Redis") * 2,
    ]


async def test_a_frozen_redis_is_not_asked_again_until_it_answers(redis_server: RedisServer) -> None:
    async with open_link(redis_server.url) as link:
        with redis_server.frozen():
            calls = [asyncio.create_task(is_away(link)) for _ in range(20)]
            assert all(await asyncio.gather(*calls))
            await eventually(lambda: not link.available)
            with pytest.raises(RedisDownError, match="there is no connection"):
                await link.call("PING")
        await eventually(lambda: link.available)
        assert await link.call("PING") == b"PONG"


async def test_a_redis_that_takes_connections_and_is_silent_counts_as_away(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking, "CONNECT_SECONDS", 0.05)
    with redis_server.frozen():
        async with open_link(redis_server.url) as link:
            assert not link.available


async def test_a_redis_that_is_too_slow_for_decisions_counts_as_away(tmp_path: Path) -> None:
    async def greet_and_be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)  # the name of the connection
        writer.write(b"+OK\r\n")
        while await reader.read(1024):
            pass
        writer.close()

    path = tmp_path / "slow.sock"
    server = await asyncio.start_unix_server(greet_and_be_silent, path)
    async with open_link(f"unix://{path}") as link:
        assert (link.available, link.connections) == (False, 0)
    server.close()


async def test_a_link_that_ends_leaves_no_connection(redis_server: RedisServer) -> None:
    async with open_link(redis_server.url) as observer:

        async def connections() -> int:
            return int((await observer.call("CLIENT", "LIST")).decode().count("name=tenantry"))

        async with open_link(redis_server.url):
            assert await connections() == 2

        async def is_alone() -> bool:
            return await connections() == 1

        await eventually(is_alone)


async def test_what_redis_refuses_is_told_once_and_leaves_the_connection(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_link(redis_server.url) as link:
        await link.call("SET", "key", "a text")
        wrong = Script("wrong", "return redis.call('HGET', KEYS[1], 'field')")
        for _ in range(3):
            with pytest.raises(RedisDownError, match="WRONGTYPE"):
                await link.run(wrong, ["key"], [])
            with pytest.raises(RedisDownError, match="WRONGTYPE"):
                await link.call("HGET", "key", "field")
        assert link.available
        first, second = told(caplog)
    assert first.startswith("Redis refused wrong: ")
    assert second.startswith("Redis refused HGET: ")


async def test_what_redis_refuses_is_told_again_after_a_loss(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = Script("wrong", "return redis.call('NO SUCH COMMAND')")
    async with open_link(own_server.url) as link:
        for _ in range(2):
            with pytest.raises(RedisDownError):
                await link.run(wrong, [], [])
            own_server.stop()
            await eventually(lambda: not link.available)
            own_server.start()
            await eventually(lambda: link.available)
    assert sum(line.startswith("Redis refused wrong: ") for line in told(caplog)) == 2


async def test_attempts_that_fail_one_after_the_other_are_told_once(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_server.stop()
    attempts = 0
    carry = linking.RedisLink._carry

    async def carry_and_count(link: RedisLink) -> Exception:
        nonlocal attempts
        attempts += 1
        return await carry(link)

    monkeypatch.setattr(linking.RedisLink, "_carry", carry_and_count)
    async with open_link(own_server.url):
        await eventually(lambda: attempts >= 3)
    assert len(told(caplog)) == 1


async def test_a_password_is_given_and_never_told(
    own_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with own_server.client() as client:
        client.config_set("requirepass", "a-good-secret")
    async with open_link(f"{own_server.url}?password=a-good-secret") as link:
        assert await link.call("PING") == b"PONG"
    async with open_link(f"{own_server.url}?password=a-bad-secret") as link:
        assert not link.available
    async with open_link(own_server.url) as link:
        assert not link.available
    assert "secret" not in caplog.text


@pytest.mark.parametrize("parameter", ["no_such_thing=1", "db=one", "max_connections=7"])
def test_a_parameter_that_is_wrong_is_refused_at_once(parameter: str) -> None:
    with pytest.raises(ValueError, match=parameter.partition("=")[0]):
        open_link(f"redis://:secret@localhost?{parameter}")


@pytest.mark.parametrize("parameter", ["decode_responses=true", "protocol=3", "socket_timeout=0.0001"])
async def test_parameters_that_would_change_what_answers_mean_change_nothing(
    redis_server: RedisServer, parameter: str
) -> None:
    async with open_link(f"{redis_server.url}?{parameter}") as link:
        assert await link.run(ECHO, ["key"], ["word"]) == [b"key", b"word"]
