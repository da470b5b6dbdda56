"""Circuits as they are shown: by name, with where they stand at one instant. Read by the gateway."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tenantry.dataplane.circuits.breaker import (
    Circuit,
    Closed,
    HeldClosed,
    HeldOpen,
    Open,
    failures_in_window,
    next_probe_at,
)

if TYPE_CHECKING:
    from tenantry.language.plan.model import CircuitPolicy

_UNNAMEABLE: Final = re.compile(r"[^A-Za-z0-9.]+")
_DIGEST_LETTERS: Final = 10


class CircuitStatus(StrEnum):
    """Where a circuit stands. An open one whose break is over is half-open, asked or not."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitView:
    """A circuit at one instant. Instants in epoch seconds.

    Attributes:
        name: see `circuit_name`.
        held: a person ordered the status, and only a person changes it.
        failures: those within the sampling duration, while it is closed.
        opened_at: when it opened last; `None` while it is closed.
        next_probe_at: when a trial call will surely be let through; `None` when none will be.
    """

    name: str
    upstream: str
    policy: CircuitPolicy
    status: CircuitStatus
    held: bool
    failures: int
    opened_at: float | None
    next_probe_at: float | None


def view_circuit(upstream: str, policy: CircuitPolicy, circuit: Circuit, now: float) -> CircuitView:
    """The circuit as it stands."""
    return CircuitView(
        name=circuit_name(upstream, policy),
        upstream=upstream,
        policy=policy,
        status=_status(circuit, policy, now),
        held=isinstance(circuit, HeldOpen | HeldClosed),
        failures=len(failures_in_window(circuit, policy, now)),
        opened_at=None if isinstance(circuit, Closed | HeldClosed) else circuit.opened_at,
        next_probe_at=next_probe_at(circuit, policy, now),
    )


def circuit_name(upstream: str, policy: CircuitPolicy) -> str:
    """What a circuit is called in paths: the same in every process, another for every upstream and policy.

    The host and port, for people, and a digest of everything, because tasks may disagree on the policy.
    """
    parts = (
        upstream,
        policy.failure_threshold,
        float(policy.sampling_seconds),
        float(policy.break_seconds),
        policy.half_open_requests,
        *sorted(policy.counts),
    )
    digest = sha256(" ".join(map(str, parts)).encode()).hexdigest()
    place = _UNNAMEABLE.sub("-", upstream.rpartition("://")[2]).strip("-")
    return f"{place}-{digest[:_DIGEST_LETTERS]}"


def _status(circuit: Circuit, policy: CircuitPolicy, now: float) -> CircuitStatus:
    if isinstance(circuit, Closed | HeldClosed):
        return CircuitStatus.CLOSED
    if isinstance(circuit, HeldOpen):
        return CircuitStatus.OPEN
    if isinstance(circuit, Open) and now < circuit.opened_at + policy.break_seconds:
        return CircuitStatus.OPEN
    return CircuitStatus.HALF_OPEN
