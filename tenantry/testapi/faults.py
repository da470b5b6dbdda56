"""Which fault a request asks for, and whether it is that request's turn to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.datastructures import QueryParams

from tenantry.testapi.bounded import BoundedMap
from tenantry.testapi.problems import invalid

if TYPE_CHECKING:
    from starlette.requests import Request

_COUNTER_CAPACITY: Final = 20_000


class Fault(BaseModel):
    """What the caller asked to go wrong, by query (`delayMs=200`) or header (`X-Fault-Delay-Ms: 200`).

    Attributes:
        delay_ms: wait first; alone it is only latency.
        hang: never answer; ends when the caller gives up.
        reset: break the connection (TCP RST) without doing anything.
        lose: do the work, then break the connection instead of answering.
        fail: answer a problem with this status without doing anything.
        retry_after: seconds, sent as `Retry-After` with `fail`.
        body: do nothing and answer 200 with a page, cut-off JSON, or nothing.
        size: do nothing and answer a JSON string of this many bytes.
        gzip_bomb: do nothing and answer 100 kB that decompress to 100 MB.
        status: do the work, answer under this status.
        times: only the first so many calls with the same `key` are hit.
        key: what those calls have in common; method and path when it is not given.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel)

    delay_ms: int = Field(default=0, ge=0, le=600_000)
    hang: bool = False
    reset: bool = False
    lose: bool = False
    fail: int | None = Field(default=None, ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=0, le=86_400)
    body: Literal["html", "malformed", "empty"] | None = None
    size: int | None = Field(default=None, ge=2, le=1_000_000_000)
    gzip_bomb: bool = False
    status: int | None = Field(default=None, ge=200, le=599)
    times: int | None = Field(default=None, ge=0)
    key: str = Field(default="", max_length=200)


HEADER_OF: Final = {
    field.alias or name: "x-fault-" + name.replace("_", "-") for name, field in Fault.model_fields.items()
}
"""Header of each fault parameter."""


def read_fault(request: Request) -> Fault | None:
    """The fault the request asks for; `None` when it asks for none.

    Raises:
        RequestProblem: 400 when a fault's value is not valid.
    """
    query, headers = QueryParams(request.scope["query_string"]), request.headers
    asked = {name: query[name] for name in HEADER_OF if name in query}
    asked |= {name: headers[header] for name, header in HEADER_OF.items() if header in headers}
    if not asked:
        return None
    try:
        return Fault.model_validate(asked)
    except ValidationError as error:
        raise invalid(error, "fault", 400) from None


class StrikeCounter:
    """Counts the calls of faults limited by `times`; the least recent keys are forgotten at a bound."""

    def __init__(self) -> None:
        self._calls: BoundedMap[int] = BoundedMap(_COUNTER_CAPACITY)

    def strikes(self, fault: Fault, request: Request) -> bool:
        """Whether this call is hit. Counts it."""
        if fault.times is None:
            return True
        key = fault.key or f"{request.method} {request.url.path}"
        calls = (self._calls.get(key) or 0) + 1
        self._calls.put(key, calls)
        return calls <= fault.times
