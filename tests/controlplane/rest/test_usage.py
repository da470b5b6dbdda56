"""Usage: recorded exactly once, summed by the hour, priced with the card of its time."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from tenantry.protocol.usage import ExecutionUsage, UsageEvent, encode_batch
from tenantry.tenants.rate_card import DEFAULT_RATE_CARD
from tests.support.controlplane import Api, StatementCount

SUMMARY = """query ($tenant: String!, $from: DateTime!, $to: DateTime!) {
  usageSummary(tenant: $tenant, from: $from, to: $to) {
    workflow
    meters { invocations taskAttempts executionSeconds taskSeconds egressBytes journalBytes }
    cost { amount currency }
} }"""
SET_CARD = """mutation ($tenant: String!, $currency: String!, $prices: [PriceInput!]!) {
  setRateCard(tenant: $tenant, currency: $currency, prices: $prices) {
    rateCard { currency prices { meter price } } userErrors { field code }
} }"""
DAY = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}


@pytest.fixture
async def tenant(api: Api) -> str:
    await api.create_tenant("acme")
    return "acme"


def usage(number: int, time: str = "2026-03-01T12:00:00Z", tenant: str = "acme", **data: Any) -> UsageEvent:
    fields: dict[str, Any] = {
        "workflow": "report",
        "version": 1,
        "status": "completed",
        "task_attempts": 3,
    } | data
    return UsageEvent(
        id=f"event-{number}",
        source="data-plane-1",
        subject=f"execution-{number}",
        time=time,
        data=ExecutionUsage(tenant=tenant, execution_id=f"execution-{number}", **fields),
    )


async def send(api: Api, *events: UsageEvent) -> dict[str, int]:
    response = await api.report(encode_batch(list(events)))
    assert response.status_code == 200, response.text
    return dict(response.json())


async def summary(api: Api, tenant: str = "acme", **span: str) -> Any:
    return (await api.ask(SUMMARY, tenant=tenant, **(DAY | span)))["usageSummary"]


@pytest.mark.usefixtures("tenant")
async def test_usage_is_summed_by_workflow_with_exact_decimals(api: Api) -> None:
    await send(
        api,
        usage(1, execution_seconds=0.1, egress_bytes=10),
        usage(2, execution_seconds=0.2, egress_bytes=5),
        usage(3, workflow="audit", journal_bytes=7),
    )
    audit, report = await summary(api)
    assert (audit["workflow"], audit["meters"]["journalBytes"]) == ("audit", "7")
    assert report["meters"] == {
        "invocations": "2",
        "taskAttempts": "6",
        "executionSeconds": "0.300000",
        "taskSeconds": "0.000000",
        "egressBytes": "15",
        "journalBytes": "0",
    }


@pytest.mark.usefixtures("tenant")
async def test_the_cost_is_that_of_the_rate_card(api: Api) -> None:
    event = usage(1, execution_seconds=1.5, egress_bytes=1000)
    await send(api, event)
    (report,) = await summary(api)
    expected = DEFAULT_RATE_CARD.cost(event.data.quantities())
    assert Decimal(report["cost"]["amount"]) == expected.amount
    assert report["cost"]["currency"] == "USD"
    assert "E" not in report["cost"]["amount"]


@pytest.mark.usefixtures("tenant")
async def test_an_event_that_comes_twice_is_counted_once(api: Api) -> None:
    assert await send(api, usage(1), usage(2)) == {"accepted": 2, "duplicates": 0}
    assert await send(api, usage(2), usage(3), usage(3)) == {"accepted": 1, "duplicates": 2}
    assert (await summary(api))[0]["meters"]["invocations"] == "3"


@pytest.mark.usefixtures("tenant")
async def test_the_same_batch_from_many_senders_at_once_is_counted_once(api: Api) -> None:
    events = [usage(number, workflow=f"w{number % 5}") for number in range(100)]
    receipts = await asyncio.gather(
        *(send(api, *events[shift:], *events[:shift]) for shift in range(0, 60, 10))
    )
    assert sum(receipt["accepted"] for receipt in receipts) == 100
    assert [entry["meters"]["invocations"] for entry in await summary(api)] == ["20"] * 5


@pytest.mark.usefixtures("tenant")
async def test_the_hourly_sums_are_those_of_the_events(api: Api) -> None:
    await send(
        api, *(usage(n, f"2026-03-01T{n % 3 + 10}:30:00Z", execution_seconds=n / 7) for n in range(30))
    )
    async with api.engine.connect() as connection:
        hourly, recorded = [
            (
                await connection.execute(
                    text(f"SELECT sum(invocations), sum(execution_seconds) FROM {table}")  # noqa: S608  (two names written here)
                )
            ).one()
            for table in ("usage_hourly", "usage_events")
        ]
    assert hourly == recorded
    assert hourly[0] == 30


@pytest.mark.usefixtures("tenant")
async def test_a_batch_takes_as_many_statements_as_one_event(api: Api) -> None:
    with StatementCount(api.engine) as for_one:
        await send(api, usage(0))
    with StatementCount(api.engine) as for_many:
        await send(api, *(usage(number) for number in range(1, 500)))
    assert for_many.total == for_one.total


@pytest.mark.usefixtures("tenant")
async def test_a_summary_counts_the_hours_it_names(api: Api) -> None:
    await send(api, *(usage(hour, f"2026-03-01T{hour}:59:59.5Z") for hour in range(10, 14)))
    span = {"from": "2026-03-01T11:00:00Z", "to": "2026-03-01T13:00:00Z"}
    assert (await summary(api, **span))[0]["meters"]["invocations"] == "2"
    span = {"from": "2026-03-01T16:30:00+05:30", "to": "2026-03-01T14:00:00Z"}
    assert (await summary(api, **span))[0]["meters"]["invocations"] == "3"


@pytest.mark.usefixtures("tenant")
async def test_what_spans_that_meet_used_adds_up(api: Api) -> None:
    await send(api, *(usage(n, f"2026-03-01T{n % 4:02}:00:30Z", execution_seconds=n / 7) for n in range(9)))
    hours = [f"2026-03-01T{hour:02}:00:00Z" for hour in range(5)]
    parts = [await summary(api, **{"from": start, "to": end}) for start, end in pairwise(hours)]
    (whole,) = await summary(api, **{"from": hours[0], "to": hours[-1]})
    for meter, amount in whole["meters"].items():
        assert sum(Decimal(part["meters"][meter]) for (part,) in parts) == Decimal(amount)


@pytest.mark.parametrize("field", ["from", "to"])
@pytest.mark.parametrize(
    ("instant", "hour"),
    [
        ("2026-03-01T11:01:00Z", "2026-03-01T11:00Z"),
        ("2026-03-01T11:00:01Z", "2026-03-01T11:00Z"),
        ("2026-03-01T11:59:59.999999Z", "2026-03-01T11:00Z"),
        ("2026-03-01T11:00:00+05:30", "2026-03-01T05:00Z"),
    ],
)
async def test_a_span_of_other_than_whole_hours_is_refused_with_an_hour_to_ask_for(
    api: Api, tenant: str, field: str, instant: str, hour: str
) -> None:
    error = await api.refusal(SUMMARY, tenant=tenant, **(DAY | {field: instant}))
    assert error["extensions"] == {"code": "usage.span", "field": field}
    assert f"{field} is a whole hour in UTC, such as {hour}" in error["message"]


@pytest.mark.parametrize(
    ("span", "code", "field"),
    [
        ({"to": "2026-03-01T00:00:00Z"}, "usage.span", "to"),
        ({"from": "2026-03-01T00:00:00"}, "instant.invalid", "from"),
        ({"to": "9999-12-31T23:59:59-12:00"}, "instant.invalid", "to"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "instant.invalid", "from"),
    ],
)
async def test_a_span_that_makes_no_sense_is_refused(
    api: Api, tenant: str, span: dict[str, str], code: str, field: str
) -> None:
    error = await api.refusal(SUMMARY, tenant=tenant, **(DAY | span))
    assert error["extensions"] == {"code": code, "field": field}


async def test_a_new_rate_card_prices_what_comes_after_it(api: Api, tenant: str) -> None:
    prices = [{"meter": "INVOCATIONS", "price": "2.50"}]
    card = (await api.ask(SET_CARD, tenant=tenant, currency="USD", prices=prices))["setRateCard"]
    assert card["rateCard"] == {"currency": "USD", "prices": prices}
    await send(api, usage(1, "2026-03-01T11:59:59Z"), usage(2, "2026-03-01T12:00:00Z"))
    await send(api, usage(3, "2026-03-01T12:00:01Z"))
    (report,) = await summary(api)
    before = DEFAULT_RATE_CARD.cost(usage(1).data.quantities()).amount
    assert Decimal(report["cost"]["amount"]) == before + 5


async def test_a_card_in_another_currency_is_summed_apart(api: Api, tenant: str) -> None:
    await send(api, usage(1, "2026-03-01T11:00:00Z"), usage(2, "2026-03-01T13:00:00Z"))
    prices = [{"meter": "INVOCATIONS", "price": "1"}]
    await api.ask(SET_CARD, tenant=tenant, currency="EUR", prices=prices)
    await send(api, usage(3, "2026-03-01T13:00:00Z"))
    costs = [(entry["cost"]["currency"], entry["meters"]["invocations"]) for entry in await summary(api)]
    assert costs == [("EUR", "1"), ("USD", "2")]


async def test_a_rate_card_is_in_the_bundle_and_the_same_one_again_changes_nothing(
    api: Api, tenant: str
) -> None:
    prices = [{"meter": "TASK_ATTEMPTS", "price": "0.5"}]
    await api.ask(SET_CARD, tenant=tenant, currency="EUR", prices=prices)
    bundle = await api.bundle(tenant)
    assert bundle.rate_card == {"currency": "EUR", "task_attempts": "0.5"}
    api.clock.advance(hours=1)
    await api.ask(SET_CARD, tenant=tenant, currency="EUR", prices=prices)
    assert await api.bundle(tenant) == bundle


async def test_two_cards_in_one_instant_are_a_conflict(api: Api, tenant: str) -> None:
    await api.ask(SET_CARD, tenant=tenant, currency="EUR", prices=[])
    payload = (await api.ask(SET_CARD, tenant=tenant, currency="CHF", prices=[]))["setRateCard"]
    assert payload["userErrors"] == [{"field": None, "code": "rate_card.too_soon"}]


@pytest.mark.parametrize(
    ("currency", "amounts", "field"),
    [
        ("dollars", ["1"], "currency"),
        ("", [], "currency"),
        ("USD", ["1e9"], "prices"),
        ("USD", ["-1"], "prices"),
        ("USD", [""], "prices"),
        ("USD", ["1", "2"], "prices"),
        ("USD", ["1", "1"], "prices"),
    ],
)
async def test_a_rate_card_that_makes_no_sense_is_a_user_error_about_its_argument(
    api: Api, tenant: str, currency: str, amounts: list[str], field: str
) -> None:
    prices = [{"meter": "INVOCATIONS", "price": amount} for amount in amounts]
    payload = (await api.ask(SET_CARD, tenant=tenant, currency=currency, prices=prices))["setRateCard"]
    assert payload["userErrors"] == [{"field": field, "code": "rate_card.invalid"}]
    assert payload["rateCard"] is None


async def test_usage_of_an_unknown_tenant_is_kept_and_told(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    assert await send(api, usage(1, tenant="late")) == {"accepted": 1, "duplicates": 0}
    assert "unknown tenants: late" in caplog.text
    await api.create_tenant("late")
    (report,) = await summary(api, "late")
    assert Decimal(report["cost"]["amount"]) == DEFAULT_RATE_CARD.cost(usage(1).data.quantities()).amount


async def test_an_empty_batch_is_fine(api: Api) -> None:
    assert await send(api) == {"accepted": 0, "duplicates": 0}


async def test_the_usage_of_an_unknown_tenant_cannot_be_asked_for(api: Api) -> None:
    error = await api.refusal(SUMMARY, tenant="nobody", **DAY)
    assert error["extensions"]["code"] == "tenant.not_found"


GOOD = msgspec.to_builtins(usage(1))


@pytest.mark.parametrize(
    "batch",
    [
        b"",
        b"{}",
        b"[1]",
        b"[" * 10_000,
        b'[{"id": "\xff"}]',
        msgspec.json.encode([GOOD | {"id": "\0"}]),
        msgspec.json.encode([GOOD | {"specversion": "2.0"}]),
        msgspec.json.encode([GOOD | {"time": "yesterday"}]),
        msgspec.json.encode([GOOD | {"data": GOOD["data"] | {"invocations": -1}}]),
        msgspec.json.encode([GOOD | {"data": GOOD["data"] | {"egressBytes": 10**30}}]),
        msgspec.json.encode([GOOD, GOOD | {"id": "x" * 300}]),
    ],
)
@pytest.mark.usefixtures("tenant")
async def test_what_is_no_batch_is_400_and_nothing_of_it_is_recorded(api: Api, batch: bytes) -> None:
    response = await api.report(batch)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert await summary(api) == []


async def test_a_name_that_no_tenant_can_have_is_refused(api: Api) -> None:
    response = await api.report(encode_batch([usage(1, tenant="No Such Name")]))
    assert response.status_code == 422
    assert response.json()["violations"][0]["pointer"] == "tenant"


@pytest.mark.usefixtures("tenant")
async def test_the_longest_names_and_largest_numbers_are_recorded(api: Api) -> None:
    event = usage(1, workflow="\U0001f600" * 256, egress_bytes=2**63 - 1, execution_seconds=1e9)
    largest = msgspec.structs.replace(event, id="\U0001f600" * 256, source="\U0001f601" * 256)
    assert (await send(api, largest, event))["accepted"] == 2
    assert (await summary(api))[0]["meters"]["egressBytes"] == str(2 * (2**63 - 1))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({}, 413),
    ],
)
async def test_a_body_of_another_kind_or_size_is_refused(
    api: Api, headers: dict[str, str], status: int
) -> None:
    response = await api.client.post(
        "/internal/v1/usage",
        content=b" " * (9 * 1024 * 1024),
        headers={
            "Authorization": "Bearer a-data-plane-secret-of-tests",
            "Content-Type": "application/cloudevents-batch+json",
        }
        | headers,
    )
    assert response.status_code == status
