"""The envelope that every kind of document shares around its own `spec`."""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from tenantry.language.documents.words import LabelKey, LabelValue, Name, at_most, check_length

NOT_YET: Final = frozenset(("postConditions", "preConditions", "secretProviders", "triggers"))
"""Fields of the language that this version does not have: an author who writes one has not mistyped it."""

MAX_STEPS: Final = 500
"""Steps of a workflow, nested ones included."""

_MAX_FIELDS: Final = 50
_MAX_NAMED: Final = 200


class Model(BaseModel):
    """A part of a document: frozen, camelCase outside, no field it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def _bound(cls, value: Any) -> Any:
        return check_length(value, _MAX_FIELDS)


class Metadata(Model):
    """How a document is called and marked."""

    name: Name
    labels: Annotated[dict[LabelKey, LabelValue], at_most(_MAX_NAMED)] = Field(default_factory=dict)
    annotations: Annotated[dict[LabelKey, str], at_most(_MAX_NAMED)] = Field(default_factory=dict)


class NamespacedMetadata(Metadata):
    """How a workflow is called. Names are unique within a namespace; tasks have none."""

    namespace: Name | None = None


SpecT = TypeVar("SpecT")


class Resource(Model, Generic[SpecT]):
    """A whole document: the envelope that every kind shares around its own `spec`."""

    api_version: Literal["workflow.io/v1"]
    kind: str
    metadata: Metadata
    spec: SpecT

    @property
    def name(self) -> str:
        """What the document is called within its tenant."""
        return self.metadata.name
