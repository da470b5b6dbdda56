"""What somebody wants to be run, and how. Made by the gateway and by forks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.dataplane.engine.core.events import Origin
    from tenantry.dataplane.engine.record import IdempotencyKey
    from tenantry.language.plan.model import Plan
    from tenantry.language.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An execution to be. See `WorkflowSubmitted` for the last five."""

    plan: Plan
    value: Json
    actor: str
    key: IdempotencyKey | None = None
    traceparent: str = ""
    callback: str = ""
    origin: Origin | None = None
    reused: Mapping[str, Json] = field(default_factory=dict)
    inputs: Mapping[str, Json] = field(default_factory=dict)
