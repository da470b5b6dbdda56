"""Renders templates as text. Values are put in as they are, or encoded for a place by the encoder given.

No result is longer than `MAX_RENDERED`, whatever the values: a document may name one value many times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.templates.errors import TemplateError
from tenantry.language.templates.model import Reference
from tenantry.language.templates.paths import compile_reference
from tenantry.language.values import Json, JsonError, dump_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.templates.model import Template
    from tenantry.language.templates.scope import Evaluator, Scope, TextEvaluator

MAX_RENDERED: Final = 8 * 1024 * 1024
"""Characters of a text, and bytes as JSON of a value, that a template may give."""

_WORDS: Final[dict[bool | None, str]] = {None: "", True: "true", False: "false"}


def render(value: Json) -> str:
    """A value as text: null is empty, arrays and objects are compact JSON.

    Raises:
        JsonError: the value cannot be written as JSON.
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return str(value) if isinstance(value, int) else dump_json(value).decode()


def compile_text(template: Template, encode: Callable[[str], str] | None = None) -> TextEvaluator:
    """The function that gives the template as text.

    Args:
        template: what to render.
        encode: applied to the text of each value, and to nothing else.
    """
    pieces = tuple(
        _compile_piece(part, encode) if isinstance(part, Reference) else part for part in template.parts
    )
    described = str(template)

    def evaluate(scope: Scope) -> str:
        texts: list[str] = []
        length = 0
        for piece in pieces:
            text = piece if isinstance(piece, str) else piece(scope)
            length += len(text)
            if length > MAX_RENDERED:
                raise TemplateError(described, f"gives more than {MAX_RENDERED} characters")
            texts.append(text)
        return "".join(texts)

    return evaluate


def _compile_piece(reference: Reference, encode: Callable[[str], str] | None) -> TextEvaluator:
    read: Evaluator = compile_reference(reference)

    def evaluate(scope: Scope) -> str:
        value = read(scope)
        try:
            text = render(value)
        except JsonError as error:
            raise TemplateError(reference.path_text, error.reason) from None
        return encode(text) if encode else text

    return evaluate
