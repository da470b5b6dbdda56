"""YAML 1.2 text as events. The library scans; what the events mean we decide: no tag makes an object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml import events as parsed
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from tenantry.language.codes import Code
from tenantry.language.documents.events import Event, Kind, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

QUOTE_TEMPLATE: Final = 'put the whole value in quotes: "{{...}}"'

_KINDS: Final = {
    parsed.MappingStartEvent: Kind.OBJECT,
    parsed.SequenceStartEvent: Kind.ARRAY,
    parsed.MappingEndEvent: Kind.END,
    parsed.SequenceEndEvent: Kind.END,
    parsed.AliasEvent: Kind.ALIAS,
    parsed.ScalarEvent: Kind.SCALAR,
    parsed.DocumentEndEvent: Kind.DOCUMENT_END,
}
_UNQUOTED_TEMPLATE: Final = re.compile(r"(?:[:,\[-][ \t]+|^[ \t]*|\[)(\{\{)", re.MULTILINE)
_HINTS: Final = (
    ("character '\\t'", "indent with spaces, not with tabs"),
    ("mapping values are not allowed", 'quote a value that holds ": ", or check the indentation'),
    ("could not find expected ':'", 'a key is followed by ":" and a space'),
    ("expected <block end>", "check the indentation: the entries of one mapping or list start in one column"),
    ("expected ',' or", "close the bracket, or separate the entries with commas"),
    ("character '@'", "quote a value that begins with @"),
    ("character '`'", "quote a value that begins with a backtick"),
    ("character '%'", "quote a value that begins with %"),
    ("scanning a quoted scalar", "close the quote"),
    ("scanning an alias", "quote a value that begins with *"),
    (
        "unknown escape character",
        "double quotes read a backslash as an escape: write two, or use single quotes",
    ),
)


def yaml_events(text: str, begin: int) -> Iterator[Event]:
    """The events of the text from index `begin`.

    Raises:
        Refused: from some place on the text is not YAML.
    """
    try:
        for event in YAML(typ="safe", pure=True).parse(text[begin:]):
            if (kind := _KINDS.get(type(event))) is not None:
                yield _event(kind, event, begin)
    except Exception as error:  # noqa: BLE001  whatever the library makes of a hostile text, the text is at fault
        raise _refused(error, text, begin) from None


def _event(kind: Kind, event: Any, begin: int) -> Event:
    start = begin + event.start_mark.index
    tag = getattr(event, "tag", None)
    if kind is Kind.SCALAR:
        return Event(kind, start, event.value, event.style or "", event.anchor, tag and str(tag))
    return Event(kind, start, anchor=getattr(event, "anchor", None), tag=tag and str(tag))


def _refused(error: Exception, text: str, begin: int) -> Refused:
    if isinstance(error, ReaderError):
        return _refused_character(error, begin)
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Refused(Code.SYNTAX, "this is not YAML: the library gave up on it", begin)
    start = begin + error.problem_mark.index
    for mark in filter(None, (error.problem_mark, error.context_mark)):
        if template := _unquoted_template(text, begin + mark.index):
            return Refused(
                Code.UNQUOTED_TEMPLATE, "YAML reads an unquoted {{ as a mapping", template, QUOTE_TEMPLATE
            )
    told = f"{error.context} {error.problem}"
    hint = next((hint for sign, hint in _HINTS if sign in told), "")
    return Refused(Code.SYNTAX, f"this is not YAML: {error.problem or error.context}", start, hint)


def _unquoted_template(text: str, index: int) -> int | None:
    """Where a template without quotes stands: here, or where a value begins on this line."""
    if text.startswith("{{", index):
        return index
    begin = text.rfind("\n", 0, index) + 1
    end = text.find("\n", index)
    match = _UNQUOTED_TEMPLATE.search(text[begin : end if end >= 0 else len(text)])
    return begin + match.start(1) if match else None


def _refused_character(error: ReaderError, begin: int) -> Refused:
    start = begin + error.position
    point = error.character if isinstance(error.character, int) else ord(error.character)
    if point == 0:
        return Refused(
            Code.UNSTORABLE_TEXT, "the text holds U+0000, which cannot be stored", start, "remove it"
        )
    return Refused(
        Code.SYNTAX, f"the character U+{point:04X} is not allowed in YAML", start, "remove or escape it"
    )
