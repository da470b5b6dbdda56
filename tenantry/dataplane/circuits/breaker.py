"""A circuit breaker, decided purely: circuit, policy and `now` in, circuit and decision out.

The states are Nygard's (Release It!, 2007), closed, open and half-open; and held, when a person has decided.
Every change of state begins a new generation. A ticket carries the generation it was given in, so a call that
ends late says nothing about a state it did not begin in. Called by whatever keeps circuits.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

if TYPE_CHECKING:
    from tenantry.language.plan.model import CircuitPolicy

PROBE_SECONDS: Final = 60.0
"""After so long the place of a probe that nobody reported may pass to another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Calls pass. `failures` are the instants of those that count, oldest first, fewer than the threshold."""

    generation: int
    failures: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Calls are refused until the break is over."""

    generation: int
    opened_at: float


@dataclass(frozen=True, slots=True)
class Probe:
    """A trial call in flight: its number in this half-open period, from 1, and the end of its claim."""

    number: int
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfOpen:
    """A few trial calls pass.

    Attributes:
        probes: those in flight, oldest first.
        admitted: how many were ever let through in this period; numbers the next one.
        succeeded: how many of them did.
    """

    generation: int
    opened_at: float
    probes: tuple[Probe, ...] = ()
    admitted: int = 0
    succeeded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOpen:
    """Calls are refused until a person says otherwise."""

    generation: int
    opened_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldClosed:
    """Calls pass, and their failures change nothing, until a person says otherwise."""

    generation: int


Circuit: TypeAlias = Closed | Open | HalfOpen | HeldOpen | HeldClosed


class Ticket(msgspec.Struct, frozen=True, gc=False):
    """Leave to call. `probe` is the trial call's number, or 0 for an ordinary call."""

    generation: int
    probe: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The circuit is open: do not call. The delay is above zero."""

    retry_after_seconds: float
    opened_at: float


class Outcome(Enum):
    """What a call says about its upstream. `NEUTRAL` says nothing, and gives a probe's place back."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


class Change(StrEnum):
    """What a report did to the circuit."""

    OPENED = "opened"
    CLOSED = "closed"


class Order(StrEnum):
    """What a person may demand: hold it open, hold it closed, or begin anew and decide by itself again."""

    OPEN = "open"
    CLOSE = "close"
    RESET = "reset"


def admit(circuit: Circuit, policy: CircuitPolicy, now: float) -> tuple[Circuit, Ticket | Refusal]:
    """Decides whether a call may be made. A ticket is to be reported once, however the call ends."""
    if isinstance(circuit, Closed | HeldClosed):
        return circuit, Ticket(circuit.generation)
    if isinstance(circuit, HeldOpen):
        return circuit, Refusal(retry_after_seconds=policy.break_seconds, opened_at=circuit.opened_at)
    if isinstance(circuit, Open):
        ends_at = circuit.opened_at + policy.break_seconds
        if now < ends_at:
            return circuit, Refusal(retry_after_seconds=ends_at - now, opened_at=circuit.opened_at)
        circuit = HalfOpen(generation=circuit.generation + 1, opened_at=circuit.opened_at)
    return _admit_probe(circuit, policy, now)


def report(
    circuit: Circuit, policy: CircuitPolicy, ticket: Ticket, outcome: Outcome, now: float
) -> tuple[Circuit, Change | None]:
    """Takes in how an admitted call ended. Of another generation's calls nothing is learnt."""
    if ticket.generation != circuit.generation:
        return circuit, None
    if isinstance(circuit, Closed) and outcome is Outcome.FAILURE:
        return _count(circuit, policy, now)
    if isinstance(circuit, HalfOpen):
        return _conclude_probe(circuit, policy, ticket, outcome, now)
    return circuit, None


def obey(circuit: Circuit, order: Order, now: float) -> Circuit:
    """The circuit as ordered; calls in flight no longer matter to it."""
    generation = circuit.generation + 1
    if order is Order.OPEN:
        return HeldOpen(generation=generation, opened_at=now)
    return HeldClosed(generation=generation) if order is Order.CLOSE else Closed(generation=generation)


def failures_in_window(circuit: Circuit, policy: CircuitPolicy, now: float) -> tuple[float, ...]:
    """The failures that count at this instant: those younger than the sampling duration."""
    if not isinstance(circuit, Closed):
        return ()
    return circuit.failures[bisect_right(circuit.failures, now - policy.sampling_seconds) :]


def next_probe_at(circuit: Circuit, policy: CircuitPolicy, now: float) -> float | None:
    """When a trial call will surely be let through; `None` when none will be, or none is needed."""
    if isinstance(circuit, Open):
        return max(now, circuit.opened_at + policy.break_seconds)
    if isinstance(circuit, HalfOpen):
        return now if _has_room(circuit, policy) else max(now, circuit.probes[0].expires_at)
    return None


def _has_room(circuit: HalfOpen, policy: CircuitPolicy) -> bool:
    return circuit.succeeded + len(circuit.probes) < policy.half_open_requests


def _admit_probe(circuit: HalfOpen, policy: CircuitPolicy, now: float) -> tuple[HalfOpen, Ticket | Refusal]:
    probes = circuit.probes
    if not _has_room(circuit, policy):
        # One is in flight: had all succeeded, the circuit would be closed.
        claim_seconds = probes[0].expires_at - now
        if claim_seconds > 0:
            delay = min(claim_seconds, policy.break_seconds)  # it will rather end than be abandoned
            return circuit, Refusal(retry_after_seconds=delay, opened_at=circuit.opened_at)
        probes = probes[1:]
    number = circuit.admitted + 1
    probes = (*probes, Probe(number, now + PROBE_SECONDS))
    return replace(circuit, probes=probes, admitted=number), Ticket(circuit.generation, number)


def _count(circuit: Closed, policy: CircuitPolicy, now: float) -> tuple[Circuit, Change | None]:
    failures = (*failures_in_window(circuit, policy, now), now)
    if len(failures) >= policy.failure_threshold:
        return Open(generation=circuit.generation + 1, opened_at=now), Change.OPENED
    return replace(circuit, failures=failures), None


def _conclude_probe(
    circuit: HalfOpen, policy: CircuitPolicy, ticket: Ticket, outcome: Outcome, now: float
) -> tuple[Circuit, Change | None]:
    if outcome is Outcome.FAILURE:  # of a probe that lost its place, too: it is as good a sign
        return Open(generation=circuit.generation + 1, opened_at=now), Change.OPENED
    probes = tuple(probe for probe in circuit.probes if probe.number != ticket.probe)
    if len(probes) == len(circuit.probes):  # its place has passed to another, whose success is awaited
        return circuit, None
    succeeded = circuit.succeeded + (outcome is Outcome.SUCCESS)
    if succeeded >= policy.half_open_requests:
        return Closed(generation=circuit.generation + 1), Change.CLOSED
    return replace(circuit, probes=probes, succeeded=succeeded), None
