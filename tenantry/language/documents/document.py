"""A document: what an author applied, as JSON, with the way back from each value to the text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tenantry.language.documents.spans import Span, find_span, index_within, pointer_tokens, position_at

if TYPE_CHECKING:
    from tenantry.language.findings import Finding, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document as applied. Its content is not yet judged: `read` does that.

    Attributes:
        kind: one of `KINDS`.
        name: what it is called within its tenant: `metadata.name`, for a workflow behind its namespace and a
            slash; empty when that is missing or no text.
        raw: the whole document, `apiVersion` to `spec`; never changed.
        source: name of the text it came from.
    """

    kind: str
    name: str
    raw: dict[str, Any]
    source: str = "<input>"
    text: str = field(default="", repr=False, compare=False)
    span: Span | None = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str:
        """Kind and name, such as `Workflow/order-summary`."""
        return f"{self.kind}/{self.name}"

    def locate(self, pointer: str, offset: int | None = None) -> Position | None:
        """Where the value at a JSON pointer starts, or its nearest ancestor when it is not there.

        Args:
            pointer: into `raw` (RFC 6901).
            offset: a character of the string at the pointer, to be located itself.

        Returns:
            Nothing when the document did not come from a text.
        """
        if self.span is None:
            return None
        span, found = find_span(self.span, pointer)
        value = self.value_at(pointer) if found and offset is not None else None
        if isinstance(value, str) and offset is not None:
            return position_at(self.text, index_within(self.text, span, value, offset))
        return position_at(self.text, span.start)

    def value_at(self, pointer: str) -> Any:
        """The value at a JSON pointer that leads somewhere."""
        value: Any = self.raw
        for token in pointer_tokens(pointer):
            value = value[int(token)] if isinstance(value, list) else value[token]
        return value

    def locate_key(self, pointer: str) -> Position | None:
        """Where the key stands that holds the value at a JSON pointer; the value itself inside a list."""
        if self.span is None:
            return None
        return position_at(self.text, find_span(self.span, pointer)[0].key)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text holds: its documents, and everything that is wrong with it as a text."""

    documents: tuple[Document, ...]
    findings: tuple[Finding, ...]
