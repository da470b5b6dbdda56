"""The schema, and its text: `python -m tenantry.controlplane.graphql.schema` writes what is committed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import strawberry
from strawberry.extensions import DisableIntrospection
from strawberry.schema.config import StrawberryConfig

from tenantry.controlplane.graphql.mutations import Mutation
from tenantry.controlplane.graphql.queries import Query

if TYPE_CHECKING:
    from graphql import GraphQLError
    from strawberry.types import ExecutionContext


class _Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Does nothing: the endpoint logs the errors that are ours, and no caller's mistake."""


def make_schema(*, introspection: bool) -> strawberry.Schema:
    """The schema; without introspection it answers no question about itself."""
    return _Schema(
        query=Query,
        mutation=Mutation,
        extensions=[] if introspection else [DisableIntrospection],
        config=StrawberryConfig(disable_field_suggestions=True),
    )


def schema_text() -> str:
    """The schema in GraphQL's own language, as committed in `docs/reference/schema.graphql`."""
    return make_schema(introspection=True).as_str() + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
