"""Findings: what validation says about a document. Used by every front door, always the same way.

A finding is a value, never an exception: validation reports all of them at once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class Severity(StrEnum):
    """How much a finding weighs: an error refuses the document, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Position(msgspec.Struct, frozen=True):
    """A place in a source text. Lines and columns count from 1."""

    line: int
    column: int


class Edit(msgspec.Struct, frozen=True):
    """A change of the source text that mends what a finding is about.

    Attributes:
        start: of what is replaced.
        end: the place behind its last character; `start` itself when something is only put in.
        replacement: the text that stands there instead.
    """

    start: Position
    end: Position
    replacement: str


class Finding(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One thing validation has to say.

    Attributes:
        code: stable code, `WF` and three digits; see `docs/reference/findings.md`.
        message: one sentence: what is wrong, with the names involved.
        severity: whether it refuses the document.
        source: name of the text it was found in (a file name, or `<input>`).
        document: kind and name of the document, such as `Workflow/order-summary`.
        pointer: JSON pointer (RFC 6901) into that document.
        position: where in the source text, when it is known.
        suggestion: what to do, in words: the nearest name, or how to write it.
        edit: the suggestion carried out, when the source text is known and the edit is certain.
        counterexample: a JSON value that shows what is wrong, such as an input that a task would refuse.
        details: more lines about it, aligned for letters of one width: a table, say.
    """

    code: str
    message: str
    severity: Severity = Severity.ERROR
    source: str = "<input>"
    document: str = ""
    pointer: str = ""
    position: Position | None = None
    suggestion: str = ""
    edit: Edit | None = None
    counterexample: Any = msgspec.UNSET
    details: str = ""

    @property
    def docs(self) -> str:
        """Address of the documentation of this finding's code, relative to the repository."""
        return f"docs/reference/findings.md#{self.code.lower()}"

    def __str__(self) -> str:
        """The finding as one line, in the `file:line:column` form editors understand."""
        place = f"{self.source}:{self.position.line}:{self.position.column}" if self.position else self.source
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{place}: {self.severity.value} {self.code}: {self.message}{hint}"
