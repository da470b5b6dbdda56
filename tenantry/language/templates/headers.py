"""Templates inside a header: no value may end the header and begin another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tenantry.language.templates.errors import TemplateError, TemplateSyntaxError
from tenantry.language.templates.parser import parse_template
from tenantry.language.templates.rendering import compile_text

if TYPE_CHECKING:
    from tenantry.language.templates.scope import Scope, TextEvaluator

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REASON: Final = "a header cannot hold a line break or another control character"


def compile_header(text: str) -> TextEvaluator:
    """The function that gives a header's value.

    It raises `TemplateError` when a value holds a control character (RFC 9110, 5.5).

    Raises:
        TemplateSyntaxError: the first mistake, or a control character in the text itself.
    """
    template = parse_template(text)
    for part in template.parts:
        if isinstance(part, str) and _CONTROL.search(part):
            found = _CONTROL.search(text)
            raise TemplateSyntaxError(_REASON, found.start() if found else 0)
    evaluate = compile_text(template)

    def checked(scope: Scope) -> str:
        value = evaluate(scope)
        if _CONTROL.search(value):
            raise TemplateError(text, _REASON)
        return value

    return checked
