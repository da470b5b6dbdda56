"""The model of a `Workflow`: steps, how control and data flow between them, and what comes out.

The recursive part is `Action`: what a step, a case of a switch, or an `else` does.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from tenantry.language.documents.model.effort import CircuitBreaker, ResultCache, Retry
from tenantry.language.documents.model.envelope import MAX_STEPS, Model, NamespacedMetadata, Resource
from tenantry.language.documents.model.secrets import SecretUse
from tenantry.language.documents.words import (
    Count,
    Flag,
    HeaderName,
    ItemName,
    Json,
    PositiveDuration,
    ResponseStatus,
    RetentionPeriod,
    Scalar,
    StepId,
    WorkflowReference,
    at_most,
)

MAX_ITEMS: Final = 10_000
"""Items of one `forEach`, unless it says less."""

MAX_CASES: Final = 100
MAX_PARALLEL: Final = 256

_MAX_SECRETS: Final = 50
_MAX_HEADERS: Final = 200

_Condition: TypeAlias = Annotated[str, Field(min_length=1)]


class ForEach(Model):
    """Repeats an action for every item of a list, several at a time, and gives the outputs in item order."""

    items: Json
    item_var: ItemName = "item"
    max_parallel: Annotated[Count, Field(le=MAX_PARALLEL)] | None = None
    max_items: Annotated[Count, Field(le=MAX_ITEMS)] = MAX_ITEMS
    on_item_failure: Literal["fail", "continue"] = "fail"


class Action(Model):
    """What is done: exactly one of a task, a workflow, a switch and nested tasks; perhaps for each item.

    A case, a default and an `else` that give no `input` take that of their step. `output` is what nested
    tasks give; by default an object of their outputs by id.
    """

    task_ref: str | None = None
    workflow_ref: WorkflowReference | None = None
    switch: Switch | None = None
    tasks: Annotated[tuple[Step, ...], Field(min_length=1), at_most(MAX_STEPS)] | None = None
    for_each: ForEach | None = None
    input: Json = Field(default_factory=dict)
    output: Json = None


class Case(Action):
    """The action of a switch when its value is `match`."""

    match: Scalar


class Switch(Model):
    """Chooses an action by a value: the first case that matches, else the default, else it fails."""

    value: Json
    cases: Annotated[tuple[Case, ...], Field(min_length=1), at_most(MAX_CASES)]
    default: Action | None = None


class StepCondition(Model):
    """Whether a step runs at all; one that does not does what `else` says, or is skipped and gives null."""

    if_: Annotated[_Condition, Field(alias="if")]
    else_: Annotated[Action | None, Field(alias="else")] = None


class Fallback(Model):
    """What stands in for a step that failed: another task, or a value."""

    task_ref: str | None = None
    input: Json = Field(default_factory=dict)
    value: Json = None


class Compensation(Model):
    """The task that undoes a completed step when the workflow fails later."""

    task_ref: str
    input: Json = Field(default_factory=dict)


class Step(Action):
    """An action with an id. `timeout`, `retry`, `circuitBreaker` and `cache` replace those of its tasks."""

    id: StepId
    depends_on: Annotated[tuple[str, ...], at_most(MAX_STEPS)] = ()
    condition: StepCondition | None = None
    timeout: PositiveDuration | None = None
    retry: Retry | None = None
    circuit_breaker: CircuitBreaker | None = None
    cache: ResultCache | None = None
    fallback: Fallback | None = None
    optional: Flag = False
    compensate: Compensation | None = None
    secrets: Annotated[tuple[SecretUse, ...], at_most(_MAX_SECRETS)] = ()


class Response(Model):
    """The HTTP answer of a completed execution: by default 200 and the output as JSON."""

    status: ResponseStatus = 200
    headers: Annotated[dict[HeaderName, str], at_most(_MAX_HEADERS)] = Field(default_factory=dict)
    content_type: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    body: Json = None


class Retention(Model):
    """How long its executions, and what happened in them, are kept where their tenant says nothing of it."""

    execution_history: RetentionPeriod | None = None
    task_traces: RetentionPeriod | None = None


class WorkflowSpec(Model):
    """What a workflow takes, does and gives. `deadline` bounds the whole execution."""

    description: str = ""
    input: dict[str, Json] | None = None
    deadline: PositiveDuration = 30.0
    deadline_policy: Literal["warn", "strict"] = "warn"
    durability: Literal["journaled", "none"] = "journaled"
    max_parallel: Annotated[Count, Field(le=MAX_PARALLEL)] = 16
    tasks: Annotated[tuple[Step, ...], Field(min_length=1), at_most(MAX_STEPS)]
    output: Json = None
    response: Response | None = None
    retention: Retention | None = None


class Workflow(Resource[WorkflowSpec]):
    """A workflow definition: steps, how their data flows, and what comes out."""

    kind: Literal["Workflow"]
    metadata: NamespacedMetadata

    @property
    def name(self) -> str:
        """What the workflow is called within its tenant: `name`, or `namespace/name`."""
        namespace = self.metadata.namespace
        return f"{namespace}/{self.metadata.name}" if namespace else self.metadata.name


Action.model_rebuild()
StepCondition.model_rebuild()
