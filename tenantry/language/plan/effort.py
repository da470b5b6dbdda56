"""Compiles how hard a task is tried: what its document says, or what a step says instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.language.plan.model import CachePolicy, CircuitPolicy, RetryOn, RetryPolicy
from tenantry.language.templates import compile_value

if TYPE_CHECKING:
    from tenantry.language.documents.model import CircuitBreaker, ResultCache, Retry, Step
    from tenantry.language.plan.model import TaskPlan


def compile_retry(retry: Retry | None) -> RetryPolicy:
    """The retry policy; without one, a single attempt."""
    if retry is None:
        return RetryPolicy()
    return RetryPolicy(
        max_attempts=retry.max_attempts,
        initial_delay_seconds=retry.initial_delay,
        max_delay_seconds=retry.max_delay,
        multiplier=retry.multiplier,
        jitter=retry.jitter,
        retry_on=frozenset(map(RetryOn, retry.retry_on)),
    )


def compile_circuit(breaker: CircuitBreaker | None) -> CircuitPolicy | None:
    """The circuit's policy, if there is a circuit breaker."""
    if breaker is None:
        return None
    return CircuitPolicy(
        failure_threshold=breaker.failure_threshold,
        sampling_seconds=breaker.sampling_duration,
        break_seconds=breaker.break_duration,
        half_open_requests=breaker.half_open_requests,
        counts=frozenset(map(RetryOn, breaker.fail_on)),
    )


def compile_cache(cache: ResultCache | None) -> CachePolicy | None:
    """The cache's policy, if results are kept."""
    if cache is None:
        return None
    if cache.key is None:
        return CachePolicy(ttl_seconds=cache.ttl)
    return CachePolicy(ttl_seconds=cache.ttl, key=compile_value(cache.key), key_text=cache.key)


@dataclass(frozen=True, slots=True)
class Effort:
    """What a step says of its calls, wherever in the step they stand; `None` where its tasks decide."""

    timeout_seconds: float | None = None
    retry: RetryPolicy | None = None
    circuit: CircuitPolicy | None = None
    cache: CachePolicy | None = None

    @classmethod
    def of(cls, step: Step) -> Effort:
        """What the step says."""
        return cls(
            timeout_seconds=step.timeout,
            retry=None if step.retry is None else compile_retry(step.retry),
            circuit=compile_circuit(step.circuit_breaker),
            cache=compile_cache(step.cache),
        )

    def timeout_of(self, task: TaskPlan) -> float:
        """Bound of one attempt, in seconds."""
        return task.timeout_seconds if self.timeout_seconds is None else self.timeout_seconds
