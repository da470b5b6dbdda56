"""The circuits that replicas share: each decision one script in Redis, one round trip.

The script is a port of `breaker` to Lua. The tests hold both to one model, and to each other to the last bit.
"""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from tenantry.dataplane.circuits.breaker import (
    PROBE_SECONDS,
    Change,
    Circuit,
    Closed,
    HalfOpen,
    HeldClosed,
    HeldOpen,
    Open,
    Outcome,
    Probe,
    Refusal,
    Ticket,
)
from tenantry.dataplane.circuits.memory import DEFAULT_IDLE_SECONDS, DEFAULT_MAX_PER_TENANT
from tenantry.dataplane.circuits.port import Permit
from tenantry.dataplane.circuits.view import CircuitView, circuit_name, view_circuit
from tenantry.dataplane.redis.link import Script, tenant_key
from tenantry.language.plan.model import CircuitPolicy

if TYPE_CHECKING:
    from tenantry.dataplane.circuits.breaker import Order
    from tenantry.dataplane.redis.link import RedisLink
    from tenantry.dataplane.redis.pipeline import Word
    from tenantry.tenants.identity import TenantId

_SCRIPT: Final = Script.read("circuits", Path(__file__).with_name("redis.lua"))
_REMEMBERED_NAMES: Final = 4096

_About: TypeAlias = tuple[str, CircuitPolicy]


class _State(msgspec.Struct):
    """A circuit as the script keeps it."""

    status: str
    generation: int
    used_at: float
    keep_seconds: float
    opened_at: float = 0.0
    failures: list[float] = []
    probes: list[tuple[int, float]] = []
    admitted: int = 0
    succeeded: int = 0

    @property
    def circuit(self) -> Circuit:
        """The same as `breaker` knows it."""
        if self.status == "closed":
            # Replicas' clocks differ a little: failures may not have come in their order.
            return Closed(generation=self.generation, failures=tuple(sorted(self.failures)))
        if self.status == "held closed":
            return HeldClosed(generation=self.generation)
        if self.status == "half-open":
            return HalfOpen(
                generation=self.generation,
                opened_at=self.opened_at,
                probes=tuple(Probe(*probe) for probe in self.probes),
                admitted=self.admitted,
                succeeded=self.succeeded,
            )
        kind = Open if self.status == "open" else HeldOpen
        return kind(generation=self.generation, opened_at=self.opened_at)

    def is_idle(self, now: float) -> bool:
        return now >= self.used_at + self.keep_seconds and not self.status.startswith("held")


_STATE: Final = msgspec.msgpack.Decoder(_State)
_ABOUT: Final = msgspec.json.Decoder(_About)


class RedisCircuits:
    """`Circuits` in Redis, under two keys per tenant. Instants are of a clock that replicas share.

    Every call raises `RedisDownError` when it cannot be told whether it was carried out. The bounds are those
    of `MemoryCircuits`.
    """

    def __init__(
        self,
        link: RedisLink,
        *,
        idle_seconds: float = DEFAULT_IDLE_SECONDS,
        max_per_tenant: int = DEFAULT_MAX_PER_TENANT,
    ) -> None:
        self._link, self._idle_seconds, self._max_per_tenant = link, idle_seconds, max_per_tenant

    async def admit(
        self, tenant: TenantId, upstream: str, policy: CircuitPolicy, now: float
    ) -> Permit | Refusal:
        """See `Circuits.admit`."""
        name, about = _describe(upstream, policy)
        keep_seconds = self._idle_seconds + max(policy.sampling_seconds, policy.break_seconds)
        words = ("admit", name, now, *_words(policy), keep_seconds, self._max_per_tenant, about)
        give_back = partial(self._give_back, tenant, name, policy, now)
        answer = await self._link.run(_SCRIPT, _keys(tenant), words, if_abandoned=give_back)
        if answer[0]:
            return Permit(tenant, upstream, policy, Ticket(*answer[1:]))
        return Refusal(retry_after_seconds=float(answer[1]), opened_at=float(answer[2]))

    def _give_back(
        self, tenant: TenantId, name: str, policy: CircuitPolicy, now: float, answer: list[Any]
    ) -> None:
        """A probe's place, when whoever asked was cancelled before the answer came."""
        if answer[0]:
            words = _report_words(name, policy, Ticket(*answer[1:]), Outcome.NEUTRAL, now)
            self._link.post("EVALSHA", _SCRIPT.digest, 2, *_keys(tenant), *words)

    async def report(self, permit: Permit, outcome: Outcome, now: float) -> Change | None:
        """See `Circuits.report`. Of an ordinary call nothing but its failure can change a circuit."""
        ticket = permit.ticket
        if not ticket.probe and outcome is not Outcome.FAILURE:
            return None
        name, _ = _describe(permit.upstream, permit.policy)
        words = _report_words(name, permit.policy, ticket, outcome, now)
        change = await self._link.run(_SCRIPT, _keys(permit.tenant), words)
        return change and Change(change.decode())

    async def snapshot(self, tenant: TenantId, now: float) -> list[CircuitView]:
        """See `Circuits.snapshot`."""
        flat = await self._link.call("HGETALL", _keys(tenant)[0])
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        states = {
            field.removeprefix(b"state "): _STATE.decode(packed)
            for field, packed in fields.items()
            if field.startswith(b"state ")
        }
        views = [
            _view(state, fields[b"about " + name], now)
            for name, state in states.items()
            if not state.is_idle(now)
        ]
        return sorted(views, key=lambda view: view.name)

    async def obey(self, tenant: TenantId, name: str, order: Order, now: float) -> CircuitView | None:
        """See `Circuits.obey`."""
        answer = await self._link.run(_SCRIPT, _keys(tenant), ("obey", name, now, order.value))
        return answer and _view(_STATE.decode(answer[0]), answer[1], now)


def _keys(tenant: TenantId) -> tuple[str, str]:
    return tenant_key(tenant, "circuits"), tenant_key(tenant, "circuits-end")


@lru_cache(_REMEMBERED_NAMES)
def _describe(upstream: str, policy: CircuitPolicy) -> tuple[str, bytes]:
    """The circuit's name, and what is kept of it to be shown: asked for at every call, always the same."""
    return circuit_name(upstream, policy), msgspec.json.encode((upstream, policy))


def _words(policy: CircuitPolicy) -> tuple[Word, ...]:
    return (
        policy.failure_threshold,
        policy.sampling_seconds,
        policy.break_seconds,
        policy.half_open_requests,
        PROBE_SECONDS,
    )


def _report_words(
    name: str, policy: CircuitPolicy, ticket: Ticket, outcome: Outcome, now: float
) -> tuple[Word, ...]:
    return ("report", name, now, *_words(policy), ticket.generation, ticket.probe, outcome.value)


def _view(state: _State, about: bytes, now: float) -> CircuitView:
    upstream, policy = _ABOUT.decode(about)
    return view_circuit(upstream, policy, state.circuit, now)
