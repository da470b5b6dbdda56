"""The models of documents: what a `Workflow` and a `WorkflowTask` are made of, field by field.

`documents.reading` fills them from a document; validation and the plan read them. Durations are in seconds.
"""

from tenantry.language.documents.model.effort import CircuitBreaker, ResultCache, Retry
from tenantry.language.documents.model.envelope import (
    MAX_STEPS,
    NOT_YET,
    Metadata,
    Model,
    NamespacedMetadata,
    Resource,
)
from tenantry.language.documents.model.secrets import SecretUse
from tenantry.language.documents.model.task import (
    HttpRequest,
    HttpTaskSpec,
    TaskSpec,
    TransformTaskSpec,
    WorkflowTask,
)
from tenantry.language.documents.model.workflow import (
    Action,
    Case,
    Compensation,
    Fallback,
    ForEach,
    Response,
    Retention,
    Step,
    StepCondition,
    Switch,
    Workflow,
    WorkflowSpec,
)

__all__ = [
    "MAX_STEPS",
    "NOT_YET",
    "Action",
    "Case",
    "CircuitBreaker",
    "Compensation",
    "Fallback",
    "ForEach",
    "HttpRequest",
    "HttpTaskSpec",
    "Metadata",
    "Model",
    "NamespacedMetadata",
    "Resource",
    "Response",
    "ResultCache",
    "Retention",
    "Retry",
    "SecretUse",
    "Step",
    "StepCondition",
    "Switch",
    "TaskSpec",
    "TransformTaskSpec",
    "Workflow",
    "WorkflowSpec",
    "WorkflowTask",
]
