"""The policies that hold for a tenant here: of its spec, and of the current versions of its workflows."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from tenantry.dataplane.retention.counts import Kept
from tenantry.language.documents.model import Retention
from tenantry.tenants.durations import SECONDS_PER_YEAR
from tenantry.tenants.retention import Declared, declared_by, effective_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.language.values import Json
    from tenantry.tenants.retention import Period, Policy

_LOG = logging.getLogger(__name__)
_LONGEST: Final = Declared(execution_history=7 * SECONDS_PER_YEAR, task_traces=7 * SECONDS_PER_YEAR)


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What ended up to these instants (epoch seconds) has expired: of some workflows, of all others."""

    of_workflows: Mapping[str, float]
    otherwise: float

    @property
    def latest(self) -> float:
        """What ended later has not expired, whichever workflow's it is."""
        return max([self.otherwise, *self.of_workflows.values()])

    def of(self, workflow: str) -> float:
        """Of one workflow."""
        return self.of_workflows.get(workflow, self.otherwise)


@dataclass(frozen=True, slots=True)
class TenantPolicies:
    """How long what of a tenant is kept.

    Attributes:
        general: of everything that no workflow of today says otherwise of.
        of_workflows: of the executions of workflows that say something themselves, by name.
    """

    general: Policy
    of_workflows: Mapping[str, Policy]

    def cutoffs(self, kept: Kept, now: float) -> Cutoffs:
        """What of `kept` has expired at `now`."""
        return Cutoffs(
            {name: now - _period(policy, kept).seconds for name, policy in self.of_workflows.items()},
            now - _period(self.general, kept).seconds,
        )


def policies_of(tenant: ServedTenant) -> TenantPolicies:
    """What holds for a tenant, by the revision of its bundle that is served."""
    spoken = declared_by(tenant.spec.data_retention)
    declared = {
        workflow.name: _declared(workflow.name, retention)
        for workflow in tenant.workflows()
        if (retention := workflow.document["spec"].get("retention")) is not None
    }
    return TenantPolicies(
        effective_policy(spoken, Declared()),
        {name: effective_policy(spoken, of_workflow) for name, of_workflow in declared.items()},
    )


def _declared(workflow: str, retention: Json) -> Declared:
    try:
        said = Retention.model_validate(retention)
    except ValidationError:
        # Removing what somebody may have wanted to keep cannot be mended; keeping it can.
        _LOG.error("how long executions of %s are kept cannot be read: they are kept", workflow)
        return _LONGEST
    return Declared(execution_history=said.execution_history, task_traces=said.task_traces)


def _period(policy: Policy, kept: Kept) -> Period:
    periods = {
        Kept.EXECUTION_HISTORY: policy.execution_history,
        Kept.TASK_TRACES: policy.task_traces,
        Kept.API_LOGS: policy.api_logs,
    }
    return periods[kept]
