"""What a failed attempt says about its upstream. Asked by what runs tasks, before it reports a permit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.dataplane.circuits.breaker import Outcome
from tenantry.dataplane.engine.core.events import FailureCode

if TYPE_CHECKING:
    from tenantry.dataplane.engine.core.events import Failure
    from tenantry.language.plan.model import CircuitPolicy

_ANSWERED: Final = frozenset({FailureCode.RESPONSE_TOO_LARGE, FailureCode.OUTPUT_MISMATCH})


def judge(failure: Failure, policy: CircuitPolicy) -> Outcome:
    """A failure the policy counts, or a success, because an upstream that answers is up; else neither.

    A 404 must count as a success: an upstream that came back and has nothing else to say to the trial calls
    would otherwise stay half-open for ever. Where nothing was sent, nothing is known.
    """
    if failure.retry_on in policy.counts:
        return Outcome.FAILURE
    if failure.status is not None or failure.code in _ANSWERED:
        return Outcome.SUCCESS
    return Outcome.NEUTRAL
