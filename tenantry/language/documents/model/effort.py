"""How hard a task is tried: retries, circuit breakers, cached results. A step may replace a task's."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from tenantry.language.documents.model.envelope import Model
from tenantry.language.documents.words import (
    Count,
    Duration,
    Factor,
    Flag,
    PositiveDuration,
    at_most,
    digits_as_text,
)

_MAX_REASONS: Final = 10

FailureReason: TypeAlias = Annotated[
    Literal["5xx", "429", "timeout", "connection"], BeforeValidator(digits_as_text)
]


class Retry(Model):
    """When and how often a failed attempt is repeated. `max_attempts` counts the first one."""

    max_attempts: Annotated[Count, Field(le=100)]
    initial_delay: Duration = 0.1
    max_delay: Duration = 2.0
    multiplier: Factor = 2.0
    jitter: Flag = True
    retry_on: Annotated[tuple[FailureReason, ...], at_most(_MAX_REASONS)] = (
        "5xx",
        "429",
        "timeout",
        "connection",
    )


class CircuitBreaker(Model):
    """When calls of an upstream stop for a while: so many failures within a time; then a few trial calls."""

    failure_threshold: Annotated[Count, Field(le=1000)] = 5
    sampling_duration: PositiveDuration = 60.0
    break_duration: PositiveDuration = 30.0
    half_open_requests: Annotated[Count, Field(le=1000)] = 3
    fail_on: Annotated[tuple[FailureReason, ...], Field(min_length=1), at_most(_MAX_REASONS)] = (
        "5xx",
        "timeout",
        "connection",
    )


class ResultCache(Model):
    """For how long a result stands for a call with the same `key`; by default, with the same input."""

    ttl: PositiveDuration
    key: Annotated[str, Field(min_length=1, max_length=8192)] | None = None
