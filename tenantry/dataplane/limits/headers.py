"""What callers are told about their limits: `RateLimit`, `RateLimit-Policy` and `Retry-After`.

The fields follow draft-ietf-httpapi-ratelimit-headers-10, in RFC 9651 syntax: lists of strings (policy names)
with integer parameters. Called by the gateway for every answer of an execute request.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from tenantry.tenants.limits import Admission, Policy, PolicyState, Rejected, WindowPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

# Room has come *after* the instant the decision names, and instants are doubles: at this distance from a
# whole second, rounding up could still send the caller back too early.
_CLOCK_GRAIN_SECONDS: Final = 1e-5
_REMEMBERED_POLICIES: Final = 4096


def limit_headers(admission: Admission) -> dict[str, str]:
    """The header fields of an answer; empty for a tenant without limits.

    A rejection names only the policies that refused: the draft asks that `Retry-After` is no earlier than any
    reset it stands beside, and a policy with room may well reset later.
    """
    states: Iterable[PolicyState] = admission.snapshot
    if not admission.snapshot:
        return {}
    headers = {"RateLimit-Policy": _policies(tuple(state.policy for state in admission.snapshot))}
    if isinstance(admission, Rejected):
        states = [state for state in admission.snapshot if state.policy.name in admission.violated]
        headers["Retry-After"] = str(whole_seconds(admission.retry_after_seconds))
    headers["RateLimit"] = ", ".join(_state(state) for state in states)
    return headers


def whole_seconds(seconds: float) -> int:
    """The first whole number of seconds that lies after the given time."""
    return math.floor(seconds + _CLOCK_GRAIN_SECONDS) + 1


@lru_cache(_REMEMBERED_POLICIES)
def _policies(policies: tuple[Policy, ...]) -> str:
    return ", ".join(map(_policy, policies))


def _policy(policy: Policy) -> str:
    if not isinstance(policy, WindowPolicy):
        return f'"{policy.name}";q={policy.limit};qu="concurrent-requests"'
    # The draft has whole seconds only; a window of another length goes without the optional parameter.
    window = f";w={int(policy.window_seconds)}" if policy.window_seconds.is_integer() else ""
    return f'"{policy.name}";q={policy.limit}{window}'


def _state(state: PolicyState) -> str:
    reset = "" if state.reset_seconds is None else f";t={whole_seconds(state.reset_seconds)}"
    return f'"{state.policy.name}";r={state.remaining}{reset}'
