"""Query parameters as checked values, and the shop behind a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from tenantry.testapi.problems import invalid

if TYPE_CHECKING:
    from starlette.requests import Request

    from tenantry.testapi.seed import Record
    from tenantry.testapi.shop import Shop


class Query(BaseModel):
    """Parameters of a route. Others are let through: faults travel in the query too."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class Page(Query):
    """Which part of a list."""

    limit: int = Field(default=20, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=1_000_000)

    def cut(self, name: str, records: list[Record]) -> Record:
        """The list's answer: the records of this page under their name, and how many there are in all."""
        return {name: records[self.offset : self.offset + self.limit], "total": len(records)}


AnyQuery = TypeVar("AnyQuery", bound=Query)


def read_query(request: Request, query: type[AnyQuery]) -> AnyQuery:
    """The request's parameters.

    Raises:
        RequestProblem: 400 with every violation.
    """
    try:
        return query.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise invalid(error, "query", 400) from None


def shop_of(request: Request) -> Shop:
    """The shop of the application that serves this request."""
    shop: Shop = request.app.state.shop
    return shop
