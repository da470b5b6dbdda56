"""The limit decision: rate, quotas and concurrency in one step. Made by every limit store, whatever it keeps.

Pure: what is used and `now` go in, the admission and what is used afterwards come out. A rejected request
consumes nothing: what is used comes back unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tenantry.tenants import windows

if TYPE_CHECKING:
    from tenantry.tenants.identity import Instant
    from tenantry.tenants.spec import TenantSpec

RATE_LIMIT: Final = "rate-limit"
WORKFLOWS_PER_HOUR: Final = "workflows-per-hour"
WORKFLOWS_PER_DAY: Final = "workflows-per-day"
CONCURRENT_WORKFLOWS: Final = "concurrent-workflows"

CONCURRENCY_RETRY_SECONDS: Final = 1.0
"""What a caller refused for concurrency is told to wait: when one of the others ends, nobody knows."""

WindowCounts: TypeAlias = Mapping[str, windows.WindowCount]
"""By policy name; a policy without an entry has counted nothing."""


class WindowPolicy(msgspec.Struct, frozen=True):
    """At most `limit` requests in `window_seconds`."""

    name: str
    limit: int
    window_seconds: float


class ConcurrencyPolicy(msgspec.Struct, frozen=True):
    """At most `limit` executions at once."""

    name: str
    limit: int


Policy: TypeAlias = WindowPolicy | ConcurrencyPolicy


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """All policies of one tenant."""

    windows: tuple[WindowPolicy, ...] = ()
    concurrency: ConcurrencyPolicy | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant uses at an instant: requests by window, and leases held and not expired."""

    counts: WindowCounts = {}
    held: int = 0


class PolicyState(msgspec.Struct, frozen=True):
    """Where one policy stands after a decision.

    Attributes:
        remaining: requests it would still admit.
        reset_seconds: until it admits one more than that; `None` when nothing is used, or nobody knows.
    """

    policy: Policy
    remaining: int
    reset_seconds: float | None


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """The request may run; it has been counted everywhere and holds a lease."""

    snapshot: tuple[PolicyState, ...]


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """The request may not run; nothing was consumed.

    Attributes:
        violated: names of all policies that refuse it.
        retry_after_seconds: just after this many seconds every one of them has room, if nobody else comes.
    """

    violated: tuple[str, ...]
    retry_after_seconds: float
    snapshot: tuple[PolicyState, ...]


Admission: TypeAlias = Admitted | Rejected


def limits_of(spec: TenantSpec) -> Limits:
    """The policies a tenant's spec declares.

    A rate limit of 50 requests per second with bursts of 100 is a window of 100 requests in 2 seconds.
    """
    quotas, rate = spec.quotas, spec.rate_limit
    declared = (
        (RATE_LIMIT, rate.burst, rate.burst / rate.requests_per_second) if rate else None,
        (WORKFLOWS_PER_HOUR, quotas.max_workflows_per_hour, 3600.0),
        (WORKFLOWS_PER_DAY, quotas.max_workflows_per_day, 86_400.0),
    )
    concurrent = quotas.max_concurrent_workflows
    return Limits(
        windows=tuple(
            WindowPolicy(name, limit, seconds) for name, limit, seconds in filter(None, declared) if limit
        ),
        concurrency=ConcurrencyPolicy(CONCURRENT_WORKFLOWS, concurrent) if concurrent else None,
    )


def decide(limits: Limits, usage: Usage, now: Instant) -> tuple[Admission, Usage]:
    """Decides over one request and gives what is used afterwards."""
    counts = {
        policy.name: windows.roll(usage.counts.get(policy.name, windows.EMPTY), policy.window_seconds, now)
        for policy in limits.windows
    }
    violated = [
        policy.name
        for policy in limits.windows
        if windows.used(counts[policy.name], policy.window_seconds, now) >= policy.limit
    ]
    if limits.concurrency and usage.held >= limits.concurrency.limit:
        violated.append(limits.concurrency.name)
    if violated:
        return _reject(limits, Usage(counts=counts, held=usage.held), tuple(violated), now), usage
    after = Usage(
        counts={name: windows.add(count) for name, count in counts.items()},
        held=usage.held + 1,
    )
    return Admitted(snapshot=_snapshot(limits, after, now)), after


def _reject(limits: Limits, usage: Usage, violated: tuple[str, ...], now: Instant) -> Rejected:
    snapshot = _snapshot(limits, usage, now)
    waits = (
        CONCURRENCY_RETRY_SECONDS if state.reset_seconds is None else state.reset_seconds
        for state in snapshot
        if state.policy.name in violated
    )
    return Rejected(violated=violated, retry_after_seconds=max(waits), snapshot=snapshot)


def _snapshot(limits: Limits, usage: Usage, now: Instant) -> tuple[PolicyState, ...]:
    states = [_window_state(policy, usage.counts[policy.name], now) for policy in limits.windows]
    if limits.concurrency:
        remaining = max(0, limits.concurrency.limit - usage.held)
        states.append(PolicyState(limits.concurrency, remaining, None))
    return tuple(states)


def _window_state(policy: WindowPolicy, count: windows.WindowCount, now: Instant) -> PolicyState:
    used = windows.used(count, policy.window_seconds, now)
    if not used:
        return PolicyState(policy, policy.limit, None)
    # Above the limit (it was lowered) the next request fits only once use is below the limit again.
    target = min(used, policy.limit)
    reset_seconds = windows.seconds_until_below(count, target, policy.window_seconds, now)
    return PolicyState(policy, max(0, policy.limit - used), reset_seconds)
