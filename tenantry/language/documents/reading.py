"""A document into a model: pydantic judges, and its errors become findings an author can act on."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from tenantry.language.codes import Code
from tenantry.language.documents.edits import rename_value, rewrite_value
from tenantry.language.documents.model import NOT_YET
from tenantry.language.documents.nearest import did_you_mean, nearest
from tenantry.language.documents.report import Report
from tenantry.language.documents.shapes import Place, place_of
from tenantry.language.values import dump_json, pointer_token, type_name

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from tenantry.language.documents.document import Document
    from tenantry.language.findings import Finding

ModelT = TypeVar("ModelT", bound=BaseModel)
Tokens: TypeAlias = tuple[str | int, ...]

MAX_PROBLEMS: Final = 200
"""Mistakes of a document that are looked at: some only repeat others, and a hundred are told."""

_SHOWN: Final = 60
_WORD: Final = re.compile(r"[^\W\d][\w-]*")
_DIGITS: Final = re.compile(r"-?[0-9]{1,18}")
_QUOTED: Final = re.compile(r"'([^']*)'")
_NOUNS: Final = {
    "null": "null",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "array": "a list",
    "object": "a mapping",
}
_WANTED: Final = {
    "string_type": "a string",
    "bool_type": "a boolean",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS: Final = {
    "greater_than_equal": "it must be at least {ge}",
    "greater_than": "it must be more than {gt}",
    "less_than_equal": "it must be at most {le}",
    "less_than": "it must be less than {lt}",
    "too_short": "it needs at least {min_length} entry",
    "too_long": "it may have at most {max_length} entries",
    "string_too_short": "it needs at least {min_length} character",
    "string_too_long": "it may have at most {max_length} characters",
}


def read(document: Document, model: type[ModelT]) -> tuple[ModelT | None, tuple[Finding, ...]]:
    """Reads a whole document as a model, such as `Workflow` or `Resource[TenantSpec]`.

    Returns:
        The model, or every reason why the document is not one.
    """
    try:
        return model.model_validate(document.raw), ()
    except ValidationError as error:
        report = Report(document)
        explain(error, model, report)
        return None, report.findings()


def explain(error: ValidationError, model: type[BaseModel], report: Report) -> None:
    """Adds to the report what pydantic found when it read the report's document as the model."""
    details = error.errors(include_url=False)
    report.leave_out(len(details[MAX_PROBLEMS:]))
    problems = [(detail, place_of(model, detail["loc"])) for detail in details[:MAX_PROBLEMS]]
    told = _told_otherwise(problems)
    for detail, place in problems:
        if (detail["type"], place.tokens) not in told:
            _Problem(detail, place, report).explain()


def _told_otherwise(problems: list[tuple[ErrorDetails, Place]]) -> set[tuple[str, Tokens]]:
    """The errors that only repeat another one.

    A list is "too short" when its items were refused, and a field "missing" when its name was mistyped.
    """
    told: set[tuple[str, Tokens]] = set()
    unknown: defaultdict[Tokens, list[str]] = defaultdict(list)
    for detail, place in problems:
        told.update(("too_short", place.tokens[:depth]) for depth in range(len(place.tokens)))
        if detail["type"] == "extra_forbidden":
            unknown[place.tokens[:-1]].append(str(place.tokens[-1]))
    for detail, place in problems:
        if detail["type"] == "missing" and nearest(str(place.tokens[-1]), unknown[place.tokens[:-1]]):
            told.add(("missing", place.tokens))
    return told


class _Problem:
    """One pydantic error on its way to being a finding."""

    def __init__(self, detail: ErrorDetails, place: Place, report: Report) -> None:
        self._detail = detail
        self._place = place
        self._report = report

    def explain(self) -> None:
        kind = self._detail["type"]
        if kind == "missing":
            self._missing(str(self._place.tokens[-1]), self._place.tokens[:-1])
        elif kind == "union_tag_not_found":
            self._missing_tag(self._context("discriminator").strip("'"))
        elif kind == "extra_forbidden":
            self._unknown()
        elif kind == "literal_error":
            self._not_one_of(self._place.tokens, self._context("expected"), self._detail["input"])
        elif kind == "union_tag_invalid":
            tag = (*self._place.tokens, self._context("discriminator").strip("'"))
            self._not_one_of(tag, self._context("expected_tags"), self._context("tag"))
        elif kind in _WANTED:
            self._wrong_type(_WANTED[kind])
        elif kind in _BOUNDS:
            bound = _BOUNDS[kind].format_map(self._detail["ctx"])
            self._invalid(f"{_path(self._place.tokens)} is {_shown(self._detail['input'])}; {bound}")
        else:
            sentence = self._detail["msg"].removeprefix("Value error, ")
            self._invalid(f"{_path(self._place.tokens)} is {_shown(self._detail['input'])}: {sentence}")

    def _missing(self, name: str, owner: Tokens) -> None:
        self._report.add(Code.MISSING_FIELD, f'{_path(owner)} needs "{name}"', _pointer(owner))

    def _missing_tag(self, name: str) -> None:
        """The field that says which of several kinds this is; pydantic looks at no other field without it."""
        mistyped = next((key for key in self._detail["input"] if nearest(key, [name])), None)
        if mistyped is None:
            self._missing(name, self._place.tokens)
        else:
            self._no_field((*self._place.tokens, mistyped), (name,))

    def _unknown(self) -> None:
        *owner, name = self._place.tokens
        if name in NOT_YET:
            message = (
                f"{_path(tuple(owner))} has {_shown(str(name))}, which this version does not support yet"
            )
            pointer = _pointer(self._place.tokens)
            self._report.add(Code.UNKNOWN_FIELD, message, pointer, at_key=True, suggestion="remove it")
            return
        self._no_field(self._place.tokens, self._place.known)

    def _no_field(self, tokens: Tokens, known: tuple[str, ...]) -> None:
        *owner, name = tokens
        message = f"{_path(tuple(owner))} has no field {_shown(str(name))}"
        meant = (str(name), known)
        self._report.add(Code.UNKNOWN_FIELD, message, _pointer(tokens), at_key=True, meant=meant)

    def _not_one_of(self, tokens: Tokens, expected: str, value: Any) -> None:
        known = quoted_names(expected)
        *others, last = (f'"{name}"' for name in known)
        choice = f"{', '.join(others)} or {last}" if others else last
        pointer, near = _pointer(tokens), self._report.nearest(str(value), known)
        self._report.add(
            Code.INVALID_VALUE,
            f"{_path(tokens)} is {_shown(value)}; it must be {choice}",
            pointer,
            suggestion=did_you_mean(near),
            edit=rename_value(self._report.document, pointer, str(value), near) if near else None,
        )

    def _wrong_type(self, wanted: str) -> None:
        value, tokens = self._detail["input"], self._place.tokens
        message = f"{_path(tokens)} must be {wanted}, not {_NOUNS[type_name(value)]}"
        pointer, hint, rewritten = _pointer(tokens), *_requoted(value, wanted)
        edit = rewrite_value(self._report.document, pointer, rewritten) if rewritten else None
        self._report.add(Code.WRONG_TYPE, message, pointer, suggestion=hint, edit=edit)

    def _invalid(self, message: str) -> None:
        pointer = _pointer(self._place.tokens)
        self._report.add(Code.INVALID_VALUE, message, pointer, at_key=self._place.is_key)

    def _context(self, key: str) -> str:
        return str(self._detail["ctx"][key])


def quoted_names(expected: str) -> list[str]:
    """The names in pydantic's list of what it would take: `'a', 'b' or 'c'`."""
    return _QUOTED.findall(expected)


def _pointer(tokens: Tokens) -> str:
    return "".join(map(pointer_token, tokens))


def _path(tokens: Tokens) -> str:
    """A place as authors write it: `spec.tasks[2].retry`."""
    return "".join(map(_step, tokens)).removeprefix(".") or "the document"


def _step(token: str | int) -> str:
    if isinstance(token, str):
        return f".{token}" if _WORD.fullmatch(token) else f"[{_shown(token)}]"
    return f"[{token}]"


def _requoted(value: Any, wanted: str) -> tuple[str, str | None]:
    """What to do about a value of the wrong type only for its quotes or their absence, and the result."""
    if wanted == "a string" and isinstance(value, bool | int | float):
        quoted = f'"{_shown(value)}"'
        return f"quote it: {quoted}", quoted
    if wanted in {"an integer", "a number"} and isinstance(value, str) and _DIGITS.fullmatch(value):
        return "remove the quotes", value
    return "", None


def _shown(value: Any) -> str:
    """The value as JSON, cut when it is long."""
    text = f'"{value}"' if isinstance(value, str) else dump_json(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
