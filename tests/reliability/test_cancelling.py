"""A request that is given up, at whatever step, takes nothing along and leaves nothing."""

from __future__ import annotations

import logging

import pytest

from tenantry.dataplane.executions.keys import IdempotencyKeys
from tests.support.reliability.cancelling import cancel_everywhere


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.mark.parametrize("seed", range(2))
def test_wherever_a_request_is_given_up_others_are_answered_and_everything_is_given_back(seed: int) -> None:
    verdict = cancel_everywhere(seed)
    assert verdict.violations == []
    assert verdict.steps > 20


def test_a_claim_that_is_not_given_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IdempotencyKeys, "_leave", lambda _keys, claim: claim.settle(None))
    assert cancel_everywhere(0).violations
