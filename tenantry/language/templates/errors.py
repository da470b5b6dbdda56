"""What can go wrong with templates: a text that is not one, and a value that is not there."""

from __future__ import annotations


class TemplateSyntaxError(ValueError):
    """A text is not a template or a condition. Found when a document is validated.

    Attributes:
        message: what was expected.
        offset: where in the text, in characters from 0.
        suggestion: the nearest name that would be right, or nothing.
    """

    code = "template.syntax"

    def __init__(self, message: str, offset: int, suggestion: str = "") -> None:
        super().__init__(f"{message} (at character {offset + 1})")
        self.message, self.offset, self.suggestion = message, offset, suggestion


class TemplateError(ValueError):
    """A template or condition has no value here. Found while a workflow runs.

    Attributes:
        path: what was evaluated, as it is written in the template.
        reason: why it has no value: names and types, never a value, for values may be secret.
    """

    code = "template.unresolved"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason
