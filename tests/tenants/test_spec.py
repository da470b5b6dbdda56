from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from tenantry.tenants.spec import DataPlaneMode, RateLimit, TenantSpec

EXAMPLE = """
displayName: ACME Corporation
namespace: acme-workflows
quotas: {maxConcurrentWorkflows: 100, maxConcurrentTasks: 500, maxWorkflowsPerHour: 1000,
         maxWorkflowsPerDay: 10000, maxExecutionDuration: 5m}
rateLimit: {requestsPerSecond: 50, burstSize: 100}
resourceLimits: {cpu: "4", memory: 8Gi}
allowedTaskRefs: ["http-*", "transform-*", "!internal-*"]
egress: {allow: ["*.example.com", "10.20.0.0/16"]}
dataRetention: {executionHistory: 30d, taskTraces: 14d, apiLogs: 7d, cleanupSchedule: "0 2 * * *"}
budget: {monthly: "500.00", currency: USD, alertAt: [0.5, 0.8, 1.0], hard: false}
dataPlane: {mode: dedicated, placement: {provider: gke, region: europe-west1}, replicas: {min: 2, max: 10}}
costCenter: CC-1042
"""


def test_the_documented_example_is_read_whole() -> None:
    spec = TenantSpec.model_validate(YAML(typ="safe").load(EXAMPLE))
    assert spec.display_name == "ACME Corporation"
    assert spec.quotas.max_concurrent_workflows == 100
    assert spec.quotas.max_execution_duration == 300.0
    assert spec.rate_limit is not None
    assert (spec.rate_limit.requests_per_second, spec.rate_limit.burst) == (50.0, 100)
    assert spec.allowed_task_refs == ("http-*", "transform-*", "!internal-*")
    assert spec.egress.allow == ("*.example.com", "10.20.0.0/16")
    assert spec.data_retention.api_logs == 7 * 86_400
    assert spec.budget is not None
    assert spec.budget.monthly == Decimal("500.00")
    assert spec.data_plane.mode is DataPlaneMode.DEDICATED
    assert spec.data_plane.replicas is not None
    assert spec.data_plane.replicas.max == 10
    assert spec.cost_center == "CC-1042"


def test_an_empty_spec_bounds_nothing() -> None:
    spec = TenantSpec.model_validate({})
    assert set(spec.quotas.model_dump(exclude={"max_loop_depth"}).values()) == {None}
    assert spec.rate_limit is None
    assert spec.allowed_task_refs == ()
    assert spec.egress.allow == ()


def test_loops_are_nested_three_deep_unless_the_tenant_says_otherwise() -> None:
    assert TenantSpec().quotas.max_loop_depth == 3
    assert TenantSpec.model_validate({"quotas": {"maxLoopDepth": 5}}).quotas.max_loop_depth == 5


@pytest.mark.parametrize("depth", [0, 6, "3", 2.5, None])
def test_the_depth_of_loops_is_from_one_to_five(depth: object) -> None:
    with pytest.raises(ValidationError, match="maxLoopDepth"):
        TenantSpec.model_validate({"quotas": {"maxLoopDepth": depth}})


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(TenantSpec(), "display_name", "other")  # noqa: B010  mypy already refuses the assignment


@pytest.mark.parametrize(
    ("rate", "burst"),
    [
        ({"requestsPerSecond": 50}, 50),
        ({"requestsPerSecond": 0.5}, 1),
        ({"requestsPerSecond": 2.5}, 3),
        ({"requestsPerSecond": 2.5, "burstSize": 1}, 1),
    ],
)
def test_a_burst_not_given_is_one_seconds_requests(rate: dict[str, object], burst: int) -> None:
    assert RateLimit.model_validate(rate).burst == burst


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"quota": {}}, "Extra inputs"),
        ({"display_name": "snake case is not the field's name"}, "Extra inputs"),
        ({"quotas": {"maxConcurrentWorkflows": 0}}, "greater than or equal to 1"),
        ({"quotas": {"maxConcurrentWorkflows": "100"}}, "valid integer"),
        ({"quotas": {"maxConcurrentWorkflows": True}}, "valid integer"),
        ({"quotas": {"maxWorkflowsPerHour": 10**12}}, "less than or equal to"),
        ({"quotas": {"maxExecutionDuration": "5 minutes"}}, "not a duration"),
        ({"quotas": {"maxExecutionDuration": "0s"}}, "longer than zero"),
        ({"rateLimit": {}}, "Field required"),
        ({"rateLimit": {"requestsPerSecond": 0}}, "greater than 0"),
        ({"rateLimit": {"requestsPerSecond": float("inf")}}, "less than or equal to|finite"),
        ({"rateLimit": {"requestsPerSecond": float("nan")}}, "greater than 0|finite"),
        ({"namespace": "ACME"}, "match pattern"),
        ({"namespace": "acme\n"}, "match pattern"),
        ({"resourceLimits": {"cpu": "four"}}, "match pattern"),
        ({"allowedTaskRefs": ["a b"]}, "not a pattern of task names"),
        ({"allowedTaskRefs": ["!internal-*"]}, "begin with '\\*'"),
        ({"egress": {"allow": ["10.20.0.1/16"]}}, "has host bits set"),
        ({"egress": {"allow": ["https://example.com"]}}, "neither|does not appear"),
        ({"dataRetention": {"apiLogs": "1h"}}, "between 1d and 7y"),
        ({"dataRetention": {"apiLogs": "8y"}}, "between 1d and 7y"),
        ({"dataRetention": {"cleanupSchedule": "daily"}}, "match pattern"),
        ({"dataRetention": {"cleanupSchedule": "60 2 * * *"}}, "not a cron schedule: bad minute"),
        ({"dataRetention": {"cleanupSchedule": "0 2 31 2,4 *"}}, "not a cron schedule: bad day-of-month"),
        ({"dataRetention": {"cleanupSchedule": "0 0 */31 2 5L"}}, "there is no such day"),
        ({"budget": {"monthly": 500.0}}, "write it as text"),
        ({"budget": {"monthly": "NaN"}}, "write it as text"),
        ({"budget": {"monthly": "-1"}}, "write it as text"),
        ({"budget": {"monthly": "1", "currency": "usd"}}, "match pattern"),
        ({"budget": {"monthly": "1", "alertAt": [0]}}, "greater than 0"),
        ({"budget": {"monthly": "1", "hard": "yes"}}, "valid boolean"),
        ({"dataPlane": {"mode": "own"}}, "'shared' or 'dedicated'"),
        ({"dataPlane": {"replicas": {"min": 3, "max": 2}}}, "more than max"),
    ],
)
def test_a_mistake_is_refused_and_explained(spec: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TenantSpec.model_validate(spec)
