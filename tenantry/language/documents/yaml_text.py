"""YAML text for a builder. libyaml scans; what its events mean we decide: no tag makes an object.

libyaml reads YAML 1.1, whose events differ from those of 1.2 in little: what it takes for line breaks beyond
CR and LF is refused here, as is a `?` without a blank behind it by the builder; the rest it refuses itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from yaml import CBaseLoader, MarkedYAMLError, events

from tenantry.language.codes import Code
from tenantry.language.documents.mistakes import explain
from tenantry.language.documents.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.documents.building import Builder

_UNREADABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_LINE_BREAKS: Final = frozenset("\x85\u2028\u2029")
_REPLACEMENT: Final = "\ufffd"
_HANDLE: Final = re.compile(r"^%TAG\b", re.MULTILINE)
_MAX_HANDLES: Final = 100  # the library compares each with all before it


def readable(text: str, report: Callable[[Refused], None]) -> str:
    """The text with a replacement for every character that YAML does not allow, each of which is reported."""
    for match in _UNREADABLE.finditer(text):
        report(_refused_character(match[0], match.start()))
    return _UNREADABLE.sub(_REPLACEMENT, text)


def build_yaml(text: str, begin: int, builder: Builder) -> None:
    """Builds the documents of a readable text from index `begin`.

    Raises:
        Refused: a bound is reached, or from some place on the text is not YAML.
    """
    handles = [match.start() for match in _HANDLE.finditer(text)]
    if len(handles) > _MAX_HANDLES:
        raise Refused(Code.SYNTAX, "the text names too many tags", handles[_MAX_HANDLES], "remove them")
    loader = CBaseLoader(text[begin:])
    try:
        while (event := loader.get_event()) is not None:
            _build(event, begin, builder)
    except MarkedYAMLError as error:
        raise explain(error, text, begin) from None


def _build(event: Any, begin: int, builder: Builder) -> None:
    kind = type(event)
    start, end = begin + event.start_mark.index, begin + event.end_mark.index
    if kind is events.ScalarEvent:
        builder.scalar(start, end, event.value, event.style or "", anchor=event.anchor, tag=event.tag)
    elif kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
        builder.begin(start, mapping=kind is events.MappingStartEvent, anchor=event.anchor, tag=event.tag)
    elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
        builder.end(start, end)
    elif kind is events.AliasEvent:
        builder.alias(start, end, event.anchor)
    elif kind is events.DocumentEndEvent:
        builder.end_document()


def _refused_character(character: str, start: int) -> Refused:
    point = f"U+{ord(character):04X}"
    if character == "\0":
        message = "the text holds U+0000, which cannot be stored"
        return Refused(Code.UNSTORABLE_TEXT, message, start, "remove it", (start + 1, ""))
    if character in _LINE_BREAKS:
        message = f"{point} ends a line for some readers of YAML, and not for others"
        escape = f'write it in double quotes as "\\u{ord(character):04x}"'
        return Refused(Code.SYNTAX, message, start, escape)
    return Refused(Code.SYNTAX, f"the character {point} is not allowed in YAML", start, "remove or escape it")
