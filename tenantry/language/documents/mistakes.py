"""What is wrong where YAML gives up: the library's few words into a sentence, a place and what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tenantry.language.codes import Code
from tenantry.language.documents.refusals import Refused
from tenantry.language.documents.spans import position_at

if TYPE_CHECKING:
    from yaml.error import MarkedYAMLError

_QUOTE_TEMPLATE: Final = 'put the whole value in quotes: "{{...}}"'
_QUOTE_WHOLE: Final = "put the whole value in quotes"
_INDENTATION: Final = "check the indentation: the entries of one mapping or list start in one column"
_TEMPLATE_START: Final = re.compile(r"(?:[:,\[-][ \t]+|^[ \t]*|\[)(\{\{)", re.MULTILINE)
_KEY_OF_LINE: Final = re.compile(r" *(?:- +)*(?:[\w.-]+:[ \t]+)?")
_REST_OF_LINE: Final = re.compile(r"\S+(?:[ \t]+[^\s#]\S*)*")
_NOTHING_FOLLOWS: Final = re.compile(r"[ \t]*(?:[,\]}\r\n]|\Z)|[ \t]+#")
_UNQUOTABLE: Final = frozenset("\\\r\n")
_SURROGATE: Final = re.compile(r"d[89a-f]", re.IGNORECASE)


class _Mistake(NamedTuple):
    """A kind of mistake.

    Attributes:
        sign: part of what the library says.
        message: what is wrong; `{opened}` is the character at which the library began, `{line}` its line,
            `{found}` the character at which it gave up, and `{told}` what it says.
        hint: what to do.
        at_begin: it is about where the library began, not where it gave up.
    """

    sign: str
    message: str
    hint: str
    at_begin: bool = False


_MISTAKES: Final = (
    _Mistake(
        "mapping values are not allowed",
        "a mapping cannot begin here",
        'quote a value that holds ": ", or check the indentation',
    ),
    _Mistake(
        "could not find expected ':'",
        'there is no ":" after this key',
        'a key is followed by ":" and a space',
        True,
    ),
    _Mistake(
        "block sequence entries are not allowed",
        "a list cannot begin here",
        'begin the list on a line of its own, or quote a value that begins with "- "',
    ),
    _Mistake(
        "expected ',' or",
        "the {opened} of line {line} is not closed before this",
        "close the bracket, or separate the entries with commas",
    ),
    _Mistake(
        "unknown escape character",
        "there is no escape like this",
        "double quotes read a backslash as an escape: write two, or use single quotes",
    ),
    _Mistake(
        "expected hexdecimal number",
        "this escape is cut short",
        "write all digits of the character's number: \\x41, \\u0041, \\U00000041",
    ),
    _Mistake(
        "invalid Unicode character escape",
        "there is no character with this number",
        "write the character itself",
    ),
    _Mistake("a quoted scalar", "this quote is not closed", "close the quote", True),
    _Mistake("scanning an alias", "this is no alias", "quote a value that begins with *", True),
    _Mistake("scanning an anchor", "this is no anchor", "quote a value that begins with &", True),
    _Mistake(
        "a block scalar",
        "this is no block of text",
        "after | or > stand at most a digit and + or -, then a new line",
    ),
    _Mistake("directive", "this directive is not understood", "remove it"),
    _Mistake("incompatible YAML document", "only YAML 1.2 is read", "remove the directive"),
    _Mistake("undefined tag handle", "this tag is not supported", "remove it"),
    _Mistake("a tag", "this tag is not supported", "remove it"),
    _Mistake("expected key", "this does not belong to the mapping that begins on line {line}", _INDENTATION),
    _Mistake(
        "expected '-' indicator", "this does not belong to the list that begins on line {line}", _INDENTATION
    ),
    _Mistake(
        "expected <document start>",
        "this does not belong to the document before it",
        f"{_INDENTATION}; documents are separated by ---",
    ),
    _Mistake("found unexpected ':'", "a value in brackets cannot hold this colon", _QUOTE_WHOLE),
    _Mistake(
        "expected node content",
        "a value cannot begin with {found}",
        "quote it, or close what was opened before",
    ),
)
_UNKNOWN: Final = _Mistake("", "this is not YAML: {told}", "")


def explain(error: MarkedYAMLError, text: str, begin: int) -> Refused:
    """What the library could not read, as it is told to the author.

    Args:
        error: of the library, whose marks count from `begin`.
        text: the whole text.
        begin: where the library began to read.
    """
    gave_up = begin + error.problem_mark.index if error.problem_mark else begin
    began = begin + error.context_mark.index if error.context_mark else gave_up
    for index in (gave_up, began):
        if (template := _template_on_line(text, index)) is not None:
            return unquoted_template(text, template, _end_of_value(text, template))
    told = f"{error.context} {error.problem}"
    if "cannot start any token" in told:
        return _wrong_start(text, gave_up)
    if "invalid Unicode character escape" in told and _SURROGATE.match(text, gave_up):
        return _lone_surrogate(text, gave_up, began)
    if "expected key" in told and _is_after_quote(text, gave_up):
        return Refused(Code.SYNTAX, "text follows the closing quote of this value", gave_up, _QUOTE_WHOLE)
    mistake = next((mistake for mistake in _MISTAKES if mistake.sign in told), _UNKNOWN)
    message = mistake.message.format(
        opened=text[began : began + 1],
        found=text[gave_up : gave_up + 1] or "nothing",
        line=position_at(text, began).line,
        told=error.problem,
    )
    return Refused(Code.SYNTAX, message, began if mistake.at_begin else gave_up, mistake.hint)


def unquoted_template(text: str, start: int, end: int | None) -> Refused:
    """A value that begins with `{{` and lacks its quotes.

    Args:
        text: the whole text.
        start: where the value begins.
        end: where it ends, when that is known.
    """
    message = "YAML reads an unquoted {{ as a mapping"
    replacement = None
    if end is not None and _NOTHING_FOLLOWS.match(text, end):
        written = text[start:end]
        quote = "'" if '"' in written else '"'
        if quote not in written and not _UNQUOTABLE.intersection(written):
            replacement = (end, f"{quote}{written}{quote}")
    return Refused(Code.UNQUOTED_TEMPLATE, message, start, _QUOTE_TEMPLATE, replacement)


def _template_on_line(text: str, index: int) -> int | None:
    """Where a template without quotes stands: here, or where a value begins on this line."""
    if text.startswith("{{", index):
        return index
    begin = text.rfind("\n", 0, index) + 1
    end = text.find("\n", index)
    match = _TEMPLATE_START.search(text[begin : end if end >= 0 else len(text)])
    return begin + match.start(1) if match else None


def _end_of_value(text: str, start: int) -> int | None:
    """Where the value ends that begins here, when it is all there is on its line but its key."""
    begin = text.rfind("\n", 0, start) + 1
    if not _KEY_OF_LINE.fullmatch(text, begin, start):
        return None
    rest = _REST_OF_LINE.match(text, start)
    return rest.end() if rest else None


def _wrong_start(text: str, index: int) -> Refused:
    character = text[index]
    if character == "\t":
        return Refused(Code.SYNTAX, "a tab stands here", index, "indent with spaces, not with tabs")
    shown = "a backtick" if character == "`" else character
    return Refused(
        Code.SYNTAX, f"a value cannot begin with {shown}", index, f"quote a value that begins with {shown}"
    )


def _lone_surrogate(text: str, digits: int, start: int) -> Refused:
    point = text[digits : digits + 4].upper()
    message = f"this text holds the lone surrogate U+{point}, which cannot be stored"
    return Refused(Code.UNSTORABLE_TEXT, message, start, "remove it")


def _is_after_quote(text: str, index: int) -> bool:
    line = text[text.rfind("\n", 0, index) + 1 : index].rstrip()
    return line.endswith(("'", '"'))
