"""What requests about dead letters say: filters, spans, wishes; read and checked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec

from tenantry.dataplane.dead_letters.analytics import Bucket, Span
from tenantry.dataplane.dead_letters.letters import LetterFilter, LetterStatus
from tenantry.dataplane.engine.core.events import DeadLetterReason, FailureCode
from tenantry.dataplane.gateway import errors
from tenantry.dataplane.gateway.body import parse_body
from tenantry.dataplane.gateway.executions import parse_instant
from tenantry.dataplane.identifiers import parse_execution_id

if TYPE_CHECKING:
    from enum import StrEnum

    from starlette.requests import Request

StructT = TypeVar("StructT", bound=msgspec.Struct)
EnumT = TypeVar("EnumT", bound="StrEnum")

MAX_IDS: Final = 100
MAX_BULK: Final = 1_000
_SPANS: Final = {Bucket.HOUR: timedelta(days=1), Bucket.DAY: timedelta(days=30)}
"""How much is counted when a request does not say since when."""


class Retry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """The body of a retry: they know that a call of unknown outcome may be repeated."""

    acknowledge_unknown_outcome: bool = False


class RetryWithInput(Retry, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """The body of a retry with another input for the letter's task."""

    input: Any


class ChosenLetters(
    msgspec.Struct,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"since": "from", "until": "to"},
):
    """Which open letters are meant; see `LetterFilter`."""

    workflow: str | None = None
    task: str | None = None
    reason: DeadLetterReason | None = None
    code: FailureCode | None = None
    execution: str | None = None
    since: str | None = None
    until: str | None = None


class BulkRetry(Retry, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """The body of a bulk retry: letters by their ids, or open ones by a filter.

    Attributes:
        limit: so many of what the filter lets through; `cursor` is a `nextCursor` as it was given.
    """

    ids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MAX_IDS)] | None = None
    filter: ChosenLetters | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_BULK)] = 100
    cursor: str | None = None

    def __post_init__(self) -> None:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("name the letters either by `ids` or by a `filter`, which may be {}")
        if self.cursor is not None and self.filter is None:
            raise ValueError("a `cursor` goes with a `filter`")


def parse_as(data: bytes, kind: type[StructT]) -> StructT:
    """The body as one of ours; an empty one is an empty object.

    Raises:
        RefusedError: 400.
    """
    try:
        return msgspec.convert(parse_body(data), kind)
    except msgspec.ValidationError as error:
        raise errors.bad_body(str(error)) from None


def letter_id_of(request: Request) -> str:
    """The letter the path names.

    Raises:
        RefusedError: 404.
    """
    letter_id = parse_execution_id(request.path_params["letter"])
    if letter_id is None:
        raise errors.not_found("dead letter")
    return letter_id


def page_filter(request: Request) -> LetterFilter:
    """Which letters a page is of.

    Raises:
        RefusedError: 400.
    """
    query = request.query_params
    return LetterFilter(
        workflow=_text("workflow", query.get("workflow")),
        task=_text("task", query.get("task")),
        reason=_one_of("reason", query.get("reason"), DeadLetterReason),
        code=_one_of("code", query.get("code"), FailureCode),
        status=_one_of("status", query.get("status"), LetterStatus),
        execution_id=_id("execution", query.get("execution")),
        since=parse_instant("from", query.get("from")),
        until=parse_instant("to", query.get("to")),
        before_id=_id("cursor", query.get("cursor")),
    )


def bulk_ids(ids: list[str]) -> list[str]:
    """The letters that ids name, each once.

    Raises:
        RefusedError: 400.
    """
    found = [parse_execution_id(text) for text in ids]
    if None in found:
        raise errors.bad_body(f"Expected an id as it was given - at `$.ids[{found.index(None)}]`")
    return list(dict.fromkeys(one for one in found if one is not None))


def bulk_filter(body: BulkRetry, chosen: ChosenLetters) -> LetterFilter:
    """Which letters a bulk retry is of.

    Raises:
        RefusedError: 400.
    """
    return LetterFilter(
        workflow=chosen.workflow,
        task=chosen.task,
        reason=chosen.reason,
        code=chosen.code,
        status=LetterStatus.OPEN,
        execution_id=_id("execution", chosen.execution),
        since=parse_instant("from", chosen.since),
        until=parse_instant("to", chosen.until),
        before_id=_id("cursor", body.cursor),
    )


def span_of(request: Request, now: datetime) -> Span:
    """What is to be counted: a day by hours, or 30 days by days, until now, unless said otherwise.

    Raises:
        RefusedError: 400.
    """
    query = request.query_params
    bucket = _one_of("bucket", query.get("bucket"), Bucket) or Bucket.HOUR
    until = parse_instant("to", query.get("to")) or now
    try:
        return Span(parse_instant("from", query.get("from")) or until - _SPANS[bucket], until, bucket)
    except (ValueError, OverflowError) as error:
        raise errors.bad_query("from, to", str(error)) from None


def _text(parameter: str, text: str | None) -> str | None:
    if text is not None and "\0" in text:
        raise errors.bad_query(parameter, "a text without U+0000")
    return text


def _one_of(parameter: str, text: str | None, kind: type[EnumT]) -> EnumT | None:
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        raise errors.bad_query(parameter, f"one of {', '.join(kind)}") from None


def _id(parameter: str, text: str | None) -> str | None:
    found = None if text is None else parse_execution_id(text)
    if found is None and text is not None:
        raise errors.bad_query(parameter, "an id as it was given")
    return found
