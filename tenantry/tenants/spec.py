"""The `WorkflowTenant` spec: what a tenant declares about itself. Parsed by both planes from the same JSON.

Who acts on each field is listed in this folder's README.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from tenantry.tenants.durations import SECONDS_PER_DAY, SECONDS_PER_YEAR, Duration
from tenantry.tenants.egress import parse_entry
from tenantry.tenants.isolation import check_patterns
from tenantry.tenants.schedules import check_schedule

_MAX_COUNT: Final = 1_000_000_000
_AMOUNT: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")


def _parse_amount(value: Any) -> Decimal:
    if not isinstance(value, str) or _AMOUNT.fullmatch(value) is None:
        raise ValueError('not an amount of money: write it as text, such as "500.00"')
    return Decimal(value)


def _check_egress(entries: tuple[str, ...]) -> tuple[str, ...]:
    for entry in entries:
        parse_entry(entry)
    return entries


def _check_retention(seconds: float) -> float:
    if not SECONDS_PER_DAY <= seconds <= 7 * SECONDS_PER_YEAR:
        raise ValueError("data is kept between 1d and 7y")
    return seconds


def _check_positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("a duration here is longer than zero")
    return seconds


Count = Annotated[int, Field(strict=True, ge=1, le=_MAX_COUNT)]
Amount = Annotated[Decimal, BeforeValidator(_parse_amount)]
Label = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Quantity = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,9})?(m|[kMGTPE]|[KMGTPE]i)?$")]
Retention = Annotated[Duration, AfterValidator(_check_retention)]
Schedule = Annotated[
    str,
    Field(pattern=r"^[0-9*/,-]{1,80}( [0-9A-Za-z*/,-]{1,80}){4}$"),
    AfterValidator(check_schedule),
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class Quotas(_Part):
    """How much a tenant may have and start; what is left out is not bounded, but for `max_loop_depth`.

    Attributes:
        max_concurrent_workflows: executions running at once.
        max_concurrent_tasks: task attempts running at once, over all executions.
        max_workflows_per_hour: executions started in a sliding hour.
        max_workflows_per_day: executions started in a sliding day.
        max_execution_duration: seconds; no execution's deadline is later, whatever its workflow says.
        max_loop_depth: loops inside loops in a workflow.
    """

    max_concurrent_workflows: Count | None = None
    max_concurrent_tasks: Count | None = None
    max_workflows_per_hour: Count | None = None
    max_workflows_per_day: Count | None = None
    max_execution_duration: Annotated[Duration, AfterValidator(_check_positive)] | None = None
    max_loop_depth: Annotated[int, Field(strict=True, ge=1, le=5)] = 3


class RateLimit(_Part):
    """Requests over time: on average `requests_per_second`, at once `burst_size`.

    `burst_size` defaults to one second's requests.
    """

    requests_per_second: Annotated[float, Field(strict=True, gt=0, le=_MAX_COUNT, allow_inf_nan=False)]
    burst_size: Count | None = None

    @property
    def burst(self) -> int:
        """The requests that may arrive at once."""
        return self.burst_size or max(1, math.ceil(self.requests_per_second))


class ResourceLimits(_Part):
    """Kubernetes quantities of the tenant's executors, such as `4` and `8Gi`."""

    cpu: Quantity | None = None
    memory: Quantity | None = None


class Egress(_Part):
    """Where the tenant's tasks may connect to; see `egress.EgressPolicy`."""

    allow: Annotated[tuple[str, ...], Field(max_length=1000), AfterValidator(_check_egress)] = ()


class DataRetention(_Part):
    """How long what is kept, in seconds, and when it is cleaned up (cron, five fields, UTC)."""

    execution_history: Retention = 30 * SECONDS_PER_DAY
    task_traces: Retention = 14 * SECONDS_PER_DAY
    api_logs: Retention = 7 * SECONDS_PER_DAY
    cleanup_schedule: Schedule = "0 2 * * *"


class Budget(_Part):
    """What the tenant means to spend in a calendar month.

    Attributes:
        alert_at: the fractions of the budget at which somebody is told.
        hard: whether work is refused once it is spent.
    """

    monthly: Amount
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    alert_at: Annotated[
        tuple[Annotated[float, Field(strict=True, gt=0, le=10, allow_inf_nan=False)], ...],
        Field(max_length=20),
    ] = ()
    hard: Annotated[bool, Field(strict=True)] = False


class DataPlaneMode(StrEnum):
    """Whether a tenant has executors of its own."""

    SHARED = "shared"
    DEDICATED = "dedicated"


class Placement(_Part):
    """Where the tenant's data plane stands: a provider such as `gke` or `aks`, and its region."""

    provider: Label
    region: Label


class Replicas(_Part):
    """How many executors: at least `min`, at most `max`."""

    min: Count = 1
    max: Count = 1

    @model_validator(mode="after")
    def _check_order(self) -> Replicas:
        if self.min > self.max:
            raise ValueError(f"min ({self.min}) is more than max ({self.max})")
        return self


class DataPlane(_Part):
    """Which executors run the tenant's workflows."""

    mode: DataPlaneMode = DataPlaneMode.SHARED
    placement: Placement | None = None
    replicas: Replicas | None = None


class TenantSpec(_Part):
    """The whole spec. Every field may be left out: a tenant without quotas is not bounded.

    Attributes:
        namespace: the Kubernetes namespace of its resources.
        allowed_task_refs: globs over task names; see `isolation.TaskRefPolicy`.
        cost_center: whom finance charges.
    """

    display_name: Text | None = None
    namespace: Label | None = None
    quotas: Quotas = Quotas()
    rate_limit: RateLimit | None = None
    resource_limits: ResourceLimits | None = None
    allowed_task_refs: Annotated[tuple[str, ...], Field(max_length=1000), AfterValidator(check_patterns)] = ()
    egress: Egress = Egress()
    data_retention: DataRetention = DataRetention()
    budget: Budget | None = None
    data_plane: DataPlane = DataPlane()
    cost_center: Text | None = None
