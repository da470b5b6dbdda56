"""The small words of documents: names, durations, statuses. The models are spelled with them.

Each is an annotated type whose validator says in one sentence what it wants.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any, Final, NamedTuple, NoReturn, TypeAlias

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
_PERIOD: Final = re.compile(r"([0-9]{1,9})(h|d|y)")
_ITEM_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
_SECRET_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_WORKFLOW_REFERENCE: Final = re.compile(
    rf"(?:(?P<namespace>{_NAME.pattern})/)?(?P<name>{_NAME.pattern})"
    r"(?:@(?P<selector>v[1-9][0-9]{0,8}|sha256:[0-9a-f]{12,64}|[a-z][a-z0-9-]{0,61}[a-z0-9]))?"
)
_STATUS: Final = re.compile(r"[2-5](xx|[0-9][0-9])")
_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PERIOD_SECONDS: Final = {"h": 3600.0, "d": 86400.0, "y": 365 * 86400.0}
_MIN_PERIOD_SECONDS: Final = 86400.0
_MAX_PERIOD_SECONDS: Final = 7 * 365 * 86400.0


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


def write_duration(seconds: float) -> str:
    """A duration as an author would write it, exact to the microsecond: `500ms`, `1.5s`, `2m`."""
    rounded = round(seconds, 6)
    for unit in ("h", "m"):
        if rounded and rounded % _UNIT_SECONDS[unit] == 0:
            return f"{rounded / _UNIT_SECONDS[unit]:.0f}{unit}"
    unit = "s" if rounded >= 1 or not rounded else "ms"
    return f"{rounded / _UNIT_SECONDS[unit]:.6f}".rstrip("0").rstrip(".") + unit


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


def _retention_period(value: Any) -> float:
    match = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    seconds = int(match[1]) * _PERIOD_SECONDS[match[2]] if match else 0.0
    if not _MIN_PERIOD_SECONDS <= seconds <= _MAX_PERIOD_SECONDS:
        _refuse("data is kept for a whole number of h, d or y (365 days), from 1d to 7y")
    return seconds


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


def _item_name(value: str) -> str:
    if not _ITEM_NAME.fullmatch(value) or value == "index":
        _refuse("an item's name is a letter or '_', then letters, digits, '_' and '-', and not 'index'")
    return value


def _secret_name(value: str) -> str:
    if not _SECRET_NAME.fullmatch(value):
        _refuse("a secret's name is a letter or '_', then letters, digits and '_', at most 128 characters")
    return value


def _workflow_reference(value: str) -> str:
    if not _WORKFLOW_REFERENCE.fullmatch(value):
        _refuse(
            "a workflow is referred to as name, namespace/name, name@v2 (a version), name@stable (a label)"
            " or name@sha256:... (a hash)"
        )
    return value


def _response_status(value: Any) -> Any:
    if isinstance(value, str) and "{{" in value:
        return value
    lowest, highest = 200, 599
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        _refuse("a response's status is a number from 200 to 599, or a template that gives one")
    return value


def _scalar(value: JsonValue) -> JsonValue:
    if isinstance(value, list | dict):
        _refuse("a case matches a string, number, boolean or null")
    return value


class WorkflowName(NamedTuple):
    """What a `workflowRef` says.

    Attributes:
        namespace: `None` for the namespace of the workflow that refers.
        name: within the namespace.
        selector: `v2`, a label, or `sha256:` and at least 12 digits; `None` for the current version.
    """

    namespace: str | None
    name: str
    selector: str | None

    def key(self, home: str | None) -> str:
        """The name within the tenant, for a workflow of the namespace `home` that refers to it."""
        namespace = self.namespace or home
        return f"{namespace}/{self.name}" if namespace else self.name


def parse_workflow_reference(text: str) -> WorkflowName:
    """Reads a valid `workflowRef`."""
    match = _WORKFLOW_REFERENCE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a reference to a workflow: {text!r}")
    return WorkflowName(match["namespace"], match["name"], match["selector"])


Name: TypeAlias = Annotated[str, AfterValidator(_name)]
"""A document's name: a DNS label (RFC 1123), so that it can be a Kubernetes name and part of a URL."""

StepId: TypeAlias = Annotated[str, AfterValidator(_step_id)]
"""A step's id: what templates call it."""

ItemName: TypeAlias = Annotated[str, AfterValidator(_item_name)]
"""What templates call the item of a `forEach`."""

SecretName: TypeAlias = Annotated[str, AfterValidator(_secret_name)]
"""What templates call a secret."""

WorkflowReference: TypeAlias = Annotated[str, AfterValidator(_workflow_reference)]
"""A workflow as another one refers to it; `parse_workflow_reference` takes it apart."""

ResponseStatus: TypeAlias = Annotated[int | str, BeforeValidator(_response_status)]
"""The status of an answer, or a template that gives it."""

Scalar: TypeAlias = Annotated[JsonValue, AfterValidator(_scalar)]
"""A string, number, boolean or null."""

LabelKey: TypeAlias = Annotated[str, AfterValidator(_label_key)]
LabelValue: TypeAlias = Annotated[str, AfterValidator(_label_value)]
HeaderName: TypeAlias = Annotated[str, AfterValidator(_header_name)]

Duration: TypeAlias = Annotated[StrictFloat, BeforeValidator(_duration)]
"""Seconds, written as a number and a unit; zero is allowed."""

PositiveDuration: TypeAlias = Annotated[Duration, AfterValidator(_positive_duration)]
"""Seconds, written as a number and a unit; longer than zero."""

RetentionPeriod: TypeAlias = Annotated[StrictFloat, BeforeValidator(_retention_period)]
"""Seconds from 1 day to 7 years, written as a whole number and `h`, `d` or `y`."""

Status: TypeAlias = Annotated[str, BeforeValidator(digits_as_text), AfterValidator(_status)]
"""An HTTP status class (`2xx`) or code (`404`), as text."""

QueryValue: TypeAlias = Annotated[JsonValue, AfterValidator(_query_value)]
"""What a query parameter may be: a scalar, or a list of scalars for a repeated parameter."""
