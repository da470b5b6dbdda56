"""Templates inside a URL: no value may change its scheme, its host or the structure of its path.

The scheme and the host are literal. Values are percent-encoded, `/` included, and a path segment that a value
makes empty, `.` or `..` is refused, because each of these names another resource (RFC 3986, 5.2.4).
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote

from tenantry.language.templates.errors import TemplateError, TemplateSyntaxError
from tenantry.language.templates.model import Reference, Template
from tenantry.language.templates.parser import parse_template
from tenantry.language.templates.rendering import compile_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tenantry.language.templates.scope import Scope, TextEvaluator

_Parts: TypeAlias = "list[str | Reference]"

_ORIGIN: Final = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_MAX_PORT: Final = 65535
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_DOT: Final = re.compile(r"%2e", re.IGNORECASE)
_RESERVED: Final = "/?:@!$&'()*+,;=[]~%"
_OTHER_PATHS: Final = frozenset(("", ".", ".."))


def compile_url(text: str) -> TextEvaluator:
    """The function that gives a URL, in ASCII and ready to be sent.

    It raises `TemplateError` when a value would change the path's structure.

    Raises:
        TemplateSyntaxError: the first mistake: no `http://` or `https://` and host before the first template,
            a host or port that is none, a user name, or a fragment, which is never sent.
    """
    origin = _check_origin(text)
    parts = _parse_rest(text, len(origin))
    path, query = _split_query(parts)
    segments = [_compile_segment(segment) for segment in _join_literals(_split_path(path))]
    search = compile_text(Template(tuple(query)), _encode_value)

    def evaluate(scope: Scope) -> str:
        path = "/".join([segment(scope) for segment in segments])
        return f"{origin}{path}{search(scope)}"

    return evaluate


def origin_of(text: str) -> str:
    """Scheme, host and port of a URL that `compile_url` takes, in lower case."""
    return _check_origin(text).lower()


def _check_origin(text: str) -> str:
    match = _ORIGIN.match(text)
    if match is None:
        raise TemplateSyntaxError("a URL begins with http:// or https:// and a host, literally", 0)
    template = match[1].find("{{")
    if template >= 0:
        message = "the host is literal, because a value must not choose it; templates may follow after it"
        raise TemplateSyntaxError(message, match.start(1) + template)
    authority = _AUTHORITY.fullmatch(match[1])
    if authority is None or int(authority[1] or 0) > _MAX_PORT:
        message = "expected a host and perhaps a port; a user name and password belong in a header"
        raise TemplateSyntaxError(message, match.start(1))
    return match.group()


def _parse_rest(text: str, start: int) -> list[str | Reference]:
    """The parts behind the host, the literal ones encoded."""
    try:
        parts = parse_template(text[start:]).parts
    except TemplateSyntaxError as error:
        raise TemplateSyntaxError(error.message, start + error.offset, error.suggestion) from None
    for part in parts:
        if isinstance(part, str) and "#" in part:
            raise TemplateSyntaxError("a fragment is never sent", text.index("#", start))
    return [part if isinstance(part, Reference) else _encode_literal(part) for part in parts]


def _split_query(parts: Sequence[str | Reference]) -> tuple[_Parts, _Parts]:
    """The parts of the path, and those from the question mark on."""
    for index, part in enumerate(parts):
        if isinstance(part, str) and "?" in part:
            path, _, query = part.partition("?")
            return [*parts[:index], path], ["?" + query, *parts[index + 1 :]]
    return list(parts), []


def _split_path(parts: _Parts) -> list[_Parts]:
    segments: list[_Parts] = [[]]
    for part in parts:
        if isinstance(part, Reference):
            segments[-1].append(part)
        else:
            first, *others = part.split("/")
            segments[-1].append(first)
            segments.extend([other] for other in others)
    return segments


def _join_literals(segments: list[_Parts]) -> Iterator[_Parts]:
    """The segments, those between two with references made one: they are rendered in one go."""
    for is_literal, run in groupby(segments, lambda parts: all(isinstance(part, str) for part in parts)):
        if is_literal:
            yield ["/".join("".join(map(str, parts)) for parts in run)]
        else:
            yield from run


def _compile_segment(parts: _Parts) -> TextEvaluator:
    template = Template(tuple(part for part in parts if part))
    evaluate = compile_text(template, _encode_value)
    if not template.references:
        return evaluate

    def checked(scope: Scope) -> str:
        text = evaluate(scope)
        if _ENCODED_DOT.sub(".", text) in _OTHER_PATHS:
            raise TemplateError(str(template), "makes the path segment empty, '.' or '..', another resource")
        return text

    return checked


def _encode_value(text: str) -> str:
    # Most values are ids: what needs no quoting is not looked at character by character.
    return text if text.isascii() and text.isalnum() else quote(text, safe="")


def _encode_literal(text: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe=_RESERVED)
