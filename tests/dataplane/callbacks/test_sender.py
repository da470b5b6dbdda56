"""Callbacks reach a real receiver, signed, at least once, for as long as the schedule says."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook

from tenantry.dataplane.callbacks import sender as sending
from tenantry.dataplane.callbacks.outbox import HOLD, UNSERVED
from tenantry.dataplane.callbacks.schedule import SCHEDULE_SECONDS
from tenantry.dataplane.callbacks.signing import CallbackSecrets, show_secret
from tenantry.tenants.identity import TenantId
from tests.support.callbacks import receiving
from tests.support.dataplane import served_bundle
from tests.support.eventually import eventually
from tests.support.tenants import make_bundle
from tests.support.upstream import Peer, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.dataplane.callbacks.sender import CallbackSender
    from tests.dataplane.callbacks.conftest import Post


def secrets_of(post: Post, tenant: str = "acme") -> list[str]:
    return [show_secret(secret) for secret in CallbackSecrets(post.masters).of(TenantId(tenant))]


@asynccontextmanager
async def sending_forever(sender: CallbackSender) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(sender.send_forever())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


async def end(tries: list[asyncio.Task[None]]) -> None:
    for task in tries:
        task.cancel()
    await asyncio.wait(tries)


async def test_the_receiver_gets_what_the_library_of_standard_webhooks_verifies(post: Post) -> None:
    execution_id = await post.owe()
    assert await post.send_due() == 1
    (received,) = post.receiver.received
    assert received.line == "POST /hook?of=a%20test HTTP/1.1"
    assert received.headers["content-type"] == "application/json"
    assert received.id == f"{execution_id}_1"
    assert received.timestamp == int((await post.clock.now()).timestamp())
    (secret,) = secrets_of(post)
    message = Webhook(secret).verify(received.body, received.headers)
    assert message == json.loads(received.body)
    assert message["data"]["executionId"] == execution_id
    assert message["data"]["output"] == {"of": "acme \N{SNOWMAN}"}


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "204 No Content"])
async def test_after_a_2xx_nothing_is_sent_any_more(post: Post, status: str) -> None:
    post.receiver.status = status
    execution_id = await post.owe()
    await post.send_due()
    assert (await post.row(execution_id))["status"] == "delivered"
    await post.clock.move(10 * 86_400)
    assert await post.send_due() == 0


async def test_a_receiver_that_fails_is_tried_as_the_schedule_says_always_with_the_same_id(
    post: Post,
) -> None:
    post.receiver.status = "500 Internal Server Error"
    execution_id = await post.owe()
    sent_at = [int((await post.clock.now()).timestamp())]
    assert await post.send_due() == 1
    for wait in SCHEDULE_SECONDS:
        await post.clock.move(wait - 0.001)
        assert await post.send_due() == 0
        await post.clock.move(0.001)
        sent_at.append(int((await post.clock.now()).timestamp()))
        assert await post.send_due() == 1
    assert post.receiver.ids == [f"{execution_id}_1"] * 10
    assert [received.timestamp for received in post.receiver.received] == sent_at
    (secret,) = secrets_of(post)
    assert all(received.is_signed_with(secret) for received in post.receiver.received)
    row = await post.row(execution_id)
    assert (row["status"], row["attempts"], row["answered"]) == ("failed", 10, 500)
    assert row["error"] == "the receiver answered 500, at the last of 10 tries"
    await post.clock.move(10 * 86_400)
    assert await post.send_due() == 0


async def test_a_receiver_that_comes_back_gets_it(post: Post) -> None:
    post.receiver.status = "502 Bad Gateway"
    execution_id = await post.owe()
    await post.send_due()
    post.receiver.status = "200 OK"
    await post.clock.move(SCHEDULE_SECONDS[0])
    assert await post.send_due() == 1
    row = await post.row(execution_id)
    assert (row["status"], row["attempts"], row["answered"], row["error"]) == ("delivered", 2, 200, None)


async def test_jitter_spreads_what_failed_together(post: Post) -> None:
    post.receiver.status = "500 Internal Server Error"
    post.luck = 0.5
    execution_id = await post.owe()
    await post.send_due()
    assert await post.wait_seconds(execution_id) == 5.5


async def test_gone_ends_it_at_once(post: Post) -> None:
    post.receiver.status = "410 Gone"
    execution_id = await post.owe()
    await post.send_due()
    row = await post.row(execution_id)
    assert (row["status"], row["answered"]) == ("failed", 410)
    assert row["error"] == "the receiver answered 410: it wants no more of these"


@pytest.mark.parametrize(
    ("status", "asked", "waited"),
    [
        ("429 Too Many Requests", "Retry-After: 120", 120),
        ("503 Service Unavailable", "Retry-After: 999999999", 86_400),
        ("503 Service Unavailable", "Retry-After: soon", 5),
        (
            "503 Service Unavailable",
            "Retry-After: Sun, 01 Mar 2026 12:02:00 GMT\r\nDate: Sun, 01 Mar 2026 12:00:00 GMT",
            120,
        ),
        ("500 Internal Server Error", "Retry-After: 120", 5),
    ],
)
async def test_a_receiver_that_asks_for_time_gets_it_within_bounds(
    post: Post, status: str, asked: str, waited: float
) -> None:
    post.receiver.status, post.receiver.headers = status, f"{asked}\r\n"
    execution_id = await post.owe()
    await post.send_due()
    assert await post.wait_seconds(execution_id) == waited


async def test_a_redirect_is_not_followed(post: Post) -> None:
    async with receiving() as elsewhere:
        post.receiver.status, post.receiver.headers = (
            "307 Temporary Redirect",
            f"Location: {elsewhere.url}\r\n",
        )
        execution_id = await post.owe()
        await post.send_due()
    assert elsewhere.received == []
    row = await post.row(execution_id)
    assert (row["status"], row["error"]) == ("pending", "the receiver answered 307")


async def test_a_kept_connection_that_turns_out_to_be_closed_costs_no_try(post: Post) -> None:
    async def answer_once(peer: Peer) -> None:
        await peer.request()
        await peer.answer()
        await peer.request()  # and close without an answer

    async with serve(answer_once) as upstream:
        await post.owe(url=f"{upstream.url}/hook")
        await post.send_due()
        execution_id = await post.owe(url=f"{upstream.url}/hook")
        await post.send_due()
    assert upstream.connections == 2
    row = await post.row(execution_id)
    assert (row["status"], row["attempts"]) == ("delivered", 1)


async def test_an_answers_body_is_ignored_and_a_long_one_not_read(post: Post) -> None:
    post.receiver.status, post.receiver.body = "200 OK", b"\xff{" * 1000
    plain = await post.owe()
    await post.send_due()
    post.receiver.body = b"x" * (1024 * 1024 + 1)
    long = await post.owe()
    await post.send_due()
    assert (await post.row(plain))["status"] == "delivered"
    row = await post.row(long)
    assert (row["status"], row["answered"]) == ("pending", None)
    assert "over the limit of 1048576" in row["error"]


async def test_a_receiver_that_says_nothing_is_given_up_for_this_time(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_SECONDS", 0.05)
    post.receiver.silent = True
    execution_id = await post.owe()
    await post.send_due()
    row = await post.row(execution_id)
    assert (row["status"], row["error"]) == ("pending", "127.0.0.1 gave no answer within 0.05 s")


async def test_an_address_that_cannot_be_called_is_given_up_at_once(post: Post) -> None:
    execution_id = await post.owe(url="ftp://example.com/")
    await post.send_due()
    row = await post.row(execution_id)
    assert (row["status"], row["attempts"]) == ("failed", 1)
    assert "must begin with http" in row["error"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "169.254.169.254", "2130706433"]
)
async def test_nothing_goes_where_the_tenant_may_not_until_it_may(post: Post, host: str) -> None:
    await post.registry.install(make_bundle("acme", 2))
    execution_id = await post.owe(url=post.receiver.url.replace("127.0.0.1", host))
    await post.send_due()
    row = await post.row(execution_id)
    assert (row["status"], row["answered"]) == ("pending", None)
    assert "the tenant may not reach" in row["error"]
    assert post.receiver.received == []
    if host == "127.0.0.1":
        await post.registry.install(served_bundle("acme", 3))
        await post.clock.move(SCHEDULE_SECONDS[0])
        await post.send_due()
        assert post.receiver.ids == [f"{execution_id}_1"]


async def test_a_sender_that_dies_before_it_knows_the_answer_has_it_sent_again_with_the_same_id(
    post: Post,
) -> None:
    post.receiver.silent = True
    execution_id = await post.owe()
    async with sending_forever(post.sender):
        await post.receiver.arrived.acquire()
    assert (await post.row(execution_id))["status"] == "pending"
    post.receiver.silent = False
    post.sender = post.another_sender()
    assert await post.send_due() == 0
    await post.clock.move(HOLD.total_seconds())
    assert await post.send_due() == 1
    assert post.receiver.ids == [f"{execution_id}_1"] * 2
    row = await post.row(execution_id)
    assert (row["status"], row["attempts"]) == ("delivered", 2)


async def test_a_sender_that_dies_before_it_wrote_the_answer_down_has_it_sent_again(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def die(*_arguments: Any) -> None:
        raise ConnectionResetError("the database went away")

    execution_id = await post.owe()
    with monkeypatch.context() as patch:
        patch.setattr(post.sender._outbox, "settle", die)
        assert await post.send_due() == 1
    assert f"callback {execution_id}_1" in caplog.text
    await post.clock.move(HOLD.total_seconds())
    assert await post.send_due() == 1
    assert post.receiver.ids == [f"{execution_id}_1"] * 2
    assert (await post.row(execution_id))["status"] == "delivered"


async def test_two_senders_share_the_work_and_send_nothing_twice(post: Post) -> None:
    owed = [f"{await post.owe(tenant=tenant)}_1" for tenant in ("acme", "globex") for _ in range(30)]
    other = post.another_sender()
    async with sending_forever(post.sender), sending_forever(other), asyncio.timeout(30):
        for _ in owed:
            await post.receiver.arrived.acquire()
    assert post.receiver.ids == sorted(owed)


async def test_a_tenant_whose_receiver_hangs_holds_its_own_places_only(post: Post) -> None:
    async with receiving() as hung:
        hung.silent = True
        for _ in range(50):
            await post.owe(url=hung.url)
        held = await post.sender.begin_due()
        assert len(held) == sending.MOST_PER_TENANT
        assert await post.sender.begin_due() == []
        await post.owe(tenant="globex")
        assert await post.send_due() == 1
        assert len(post.receiver.received) == 1
        await end(held)


async def test_no_more_are_under_way_than_there_are_places(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST", 3)
    post.receiver.silent = True
    for tenant in ("acme", "globex"):
        for _ in range(5):
            await post.owe(tenant=tenant)
    held = await post.sender.begin_due()
    assert len(held) == 3
    assert await post.sender.begin_due() == []
    tried = await post.pool.fetch("SELECT attempts, count(*) FROM callbacks GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in tried] == [(0, 7), (1, 3)]
    await end(held)


async def test_what_is_sent_during_a_rotation_is_signed_with_both_secrets(post: Post) -> None:
    (old,) = secrets_of(post)
    post.masters = (b"n" * 32, *post.masters)
    post.sender = post.another_sender()
    new, still_old = secrets_of(post)
    assert still_old == old
    await post.owe()
    await post.send_due()
    (received,) = post.receiver.received
    for secret in (new, old):
        Webhook(secret).verify(received.body, received.headers)


async def test_each_tenant_signs_with_its_own_secret(post: Post) -> None:
    await post.owe(tenant="globex")
    await post.send_due()
    (received,) = post.receiver.received
    (acme,), (globex,) = secrets_of(post), secrets_of(post, "globex")
    assert received.is_signed_with(globex)
    assert not received.is_signed_with(acme)


async def test_a_tenant_that_is_not_served_here_is_left_to_others_and_given_up_when_it_is_gone(
    post: Post,
) -> None:
    post.known = False
    execution_id = await post.owe()
    await post.registry.drop("acme")
    await post.clock.move(UNSERVED.total_seconds())
    assert await post.send_due() == 0
    assert (await post.row(execution_id))["status"] == "pending"
    post.known = True
    assert await post.send_due() == 0
    row = await post.row(execution_id)
    assert (row["status"], row["attempts"], row["error"]) == ("failed", 0, "the tenant is gone")
    assert post.receiver.received == []


async def test_what_becomes_due_is_sent_when_somebody_says_so_and_after_a_while_in_any_case(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LOOK_EVERY_SECONDS", 10_000.0)
    async with sending_forever(post.sender), asyncio.timeout(30):
        await post.owe()
        post.sender.wake()
        await post.receiver.arrived.acquire()
    monkeypatch.setattr(sending, "LOOK_EVERY_SECONDS", 0.001)
    async with sending_forever(post.another_sender()), asyncio.timeout(30):
        await post.owe()
        await post.receiver.arrived.acquire()


async def test_everything_that_waits_is_sent_place_by_place(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LOOK_EVERY_SECONDS", 10_000.0)
    monkeypatch.setattr(sending, "MOST_PER_TENANT", 2)
    owed = sorted([f"{await post.owe()}_1" for _ in range(9)])
    async with sending_forever(post.sender), asyncio.timeout(30):
        for _ in owed:
            await post.receiver.arrived.acquire()
    assert post.receiver.ids == owed


@pytest.mark.parametrize("turns", range(6))
async def test_a_sender_that_is_stopped_just_as_it_is_woken_ends(
    post: Post, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """Before Python 3.12, `asyncio.wait_for` swallows a cancellation that comes in a certain moment."""

    async def find_nothing() -> list[asyncio.Task[None]]:
        return []

    monkeypatch.setattr(sending, "LOOK_EVERY_SECONDS", 10_000.0)
    monkeypatch.setattr(post.sender, "begin_due", find_nothing)
    async with asyncio.timeout(30), sending_forever(post.sender):
        for _ in range(10):  # until it waits
            await asyncio.sleep(0)
        post.sender.wake()
        for _ in range(turns):
            await asyncio.sleep(0)


async def test_a_database_that_goes_away_ends_no_sending(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sending, "LOOK_EVERY_SECONDS", 0.001)
    async with sending_forever(post.sender):
        await post.pool.execute("ALTER TABLE callbacks RENAME TO hidden")
        await eventually(lambda: "callbacks wait" in caplog.text)
        await post.pool.execute("ALTER TABLE hidden RENAME TO callbacks")
        execution_id = await post.owe()
        async with asyncio.timeout(30):
            await post.receiver.arrived.acquire()
    assert post.receiver.ids == [f"{execution_id}_1"]
