"""The small words of documents: names, durations, statuses. The models are spelled with them.

Each is an annotated type whose validator says in one sentence what it wants.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any, Final, NoReturn, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StrictBool, StrictFloat, StrictInt
from pydantic_core import PydanticCustomError

Json: TypeAlias = JsonValue
"""Any JSON value, templates inside its strings included."""

Flag: TypeAlias = StrictBool
Count: TypeAlias = Annotated[StrictInt, Field(ge=1)]
Factor: TypeAlias = Annotated[StrictFloat, Field(ge=1, le=100, allow_inf_nan=False)]

MAX_DURATION_SECONDS: Final = 86400.0

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_STEP_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_LABEL_KEY: Final = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE: Final = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h)")
_STATUS: Final = re.compile(r"[2-5](xx|[0-9][0-9])")
_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Seconds in a duration such as `500ms`, `1.5s`, `5m` or `2h`, at most 24 h.

    Raises:
        ValueError: it is not written like that, or is longer.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("a duration is a number and a unit, such as 500ms, 30s, 5m or 2h")
    seconds = float(match[1]) * _UNIT_SECONDS[match[2]]
    if seconds > MAX_DURATION_SECONDS:
        raise ValueError("a duration is at most 24h")
    return seconds


def _refuse(sentence: str) -> NoReturn:
    # Braces would be read as placeholders of pydantic's message template.
    raise PydanticCustomError("word", "{sentence}", {"sentence": sentence})


def at_most(entries: int) -> BeforeValidator:
    """The bound of `check_length`, for a field of a model."""
    return BeforeValidator(partial(check_length, entries=entries))


def check_length(value: Any, entries: int) -> Any:
    """Refuses a list or mapping of too many entries, before any entry is looked at: each may be a mistake."""
    if isinstance(value, list | dict) and len(value) > entries:
        raise PydanticCustomError("too_long", "too long", {"max_length": entries})
    return value


def _duration(value: Any) -> Any:
    if not isinstance(value, str):
        _refuse("a duration is a number and a unit, such as 500ms, 30s, 5m or 2h")
    try:
        return parse_duration(value)
    except ValueError as error:
        _refuse(str(error))


def _positive_duration(value: float) -> float:
    if value <= 0:
        _refuse("a duration here is longer than zero")
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        _refuse("a name is 1 to 63 lower-case letters, digits and dashes, with no dash at either end")
    return value


def _step_id(value: str) -> str:
    if not _STEP_ID.fullmatch(value):
        _refuse("an id is a letter, then letters, digits, '_' and '-', at most 63 characters")
    return value


def _label_key(value: str) -> str:
    if not _LABEL_KEY.fullmatch(value):
        _refuse("a label's key is letters, digits, '-', '_' and '.', at most 63, with an optional 'prefix/'")
    return value


def _label_value(value: str) -> str:
    if not _LABEL_VALUE.fullmatch(value):
        _refuse("a label's value is at most 63 letters, digits, '-', '_' and '.', with no sign at either end")
    return value


def _header_name(value: str) -> str:
    if not _HEADER_NAME.fullmatch(value):
        _refuse("a header's name is letters, digits and !#$%&'*+.^_`|~- (RFC 9110)")
    return value


def digits_as_text(value: Any) -> Any:
    """A whole number as text: YAML reads 404 as a number, 4xx as text; authors mean the same by both."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _status(value: str) -> str:
    if not _STATUS.fullmatch(value):
        _refuse("a status is a class such as 2xx or a code from 200 to 599")
    return value


def _query_value(value: JsonValue) -> JsonValue:
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, list | dict) for item in items):
        _refuse("a query parameter is a string, number, boolean or null, or a list of these")
    return value


Name: TypeAlias = Annotated[str, AfterValidator(_name)]
"""A document's name: a DNS label (RFC 1123), so that it can be a Kubernetes name and part of a URL."""

StepId: TypeAlias = Annotated[str, AfterValidator(_step_id)]
"""A step's id: what templates call it."""

LabelKey: TypeAlias = Annotated[str, AfterValidator(_label_key)]
LabelValue: TypeAlias = Annotated[str, AfterValidator(_label_value)]
HeaderName: TypeAlias = Annotated[str, AfterValidator(_header_name)]

Duration: TypeAlias = Annotated[StrictFloat, BeforeValidator(_duration)]
"""Seconds, written as a number and a unit; zero is allowed."""

PositiveDuration: TypeAlias = Annotated[Duration, AfterValidator(_positive_duration)]
"""Seconds, written as a number and a unit; longer than zero."""

Status: TypeAlias = Annotated[str, BeforeValidator(digits_as_text), AfterValidator(_status)]
"""An HTTP status class (`2xx`) or code (`404`), as text."""

QueryValue: TypeAlias = Annotated[JsonValue, AfterValidator(_query_value)]
"""What a query parameter may be: a scalar, or a list of scalars for a repeated parameter."""
