"""Text into documents: the door through which every definition comes, whoever applies it. Never raises."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tenantry.language.codes import Code
from tenantry.language.documents.building import Builder
from tenantry.language.documents.document import Document, Parsed
from tenantry.language.documents.edits import written
from tenantry.language.documents.json_text import build_json, is_json
from tenantry.language.documents.nearest import did_you_mean, nearest
from tenantry.language.documents.refusals import Exhausted, Refused
from tenantry.language.documents.spans import Span, find_span
from tenantry.language.documents.text_report import TextReport
from tenantry.language.documents.yaml_text import build_yaml, readable

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: Final = ("Workflow", "WorkflowTask", "WorkflowTenant")
MAX_TEXT_BYTES: Final = 1024 * 1024
MAX_DOCUMENTS: Final = 1000

_MAX_RESTARTS: Final = 10
_MARKER: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)


def parse_documents(text: str, source: str = "<input>") -> Parsed:
    """Reads the documents of a YAML or JSON text of at most 1 MiB.

    Args:
        text: one or more documents, separated by `---`.
        source: what findings call the text.

    Returns:
        Every document whose kind is known, and everything wrong with the text. A document that is no YAML
        does not hide the ones after it. What stands inside the documents is for `read` to judge.
    """
    reader = _Reader(text.removeprefix("\ufeff"), source)
    reader.run()
    return Parsed(tuple(reader.documents), reader.report.findings())


def load_document(raw: dict[str, Any], source: str = "<input>") -> Document:
    """A document from JSON that was parsed before, such as a stored definition; findings get no positions."""
    return _document(raw, source)


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._labels: set[str] = set()
        self._roots = 0
        self.report = TextReport(text, source)
        self.documents: list[Document] = []

    def run(self) -> None:
        try:
            self._read()
        except Exhausted as exhausted:
            self.report.refuse(exhausted)
        if not self.documents and not self.report:
            self.report.refuse(Refused(Code.NOT_A_DOCUMENT, "the text holds no document", 0))

    def _read(self) -> None:
        if len(self._text.encode(errors="surrogatepass")) > MAX_TEXT_BYTES:
            raise Exhausted(Code.TOO_LARGE, "the text is larger than 1 MiB", 0, "split it into several")
        builder = Builder(self._text, self._take, self.report.refuse)
        if is_json(self._text):
            self._try(build_json, self._text, builder)
        else:
            self._read_yaml(builder)

    def _read_yaml(self, builder: Builder) -> None:
        text, begin = readable(self._text, self.report.refuse), 0
        for _ in range(_MAX_RESTARTS):
            refused = self._try(build_yaml, text, begin, builder)
            marker = _MARKER.search(text, max(refused.start, begin + 1)) if refused else None
            if marker is None:
                return
            begin = marker.start()
            builder.begin_document()

    def _try(self, build: Callable[..., None], *arguments: Any) -> Refused | None:
        """Builds up to what the text is refused for, if it is, and returns that."""
        try:
            build(*arguments)
        except Exhausted:
            raise
        except Refused as refused:
            self.report.refuse(refused)
            return refused
        return None

    def _take(self, raw: Any, span: Span) -> None:
        self._roots += 1
        if self._roots > MAX_DOCUMENTS:
            message = f"the text holds more than {MAX_DOCUMENTS} documents"
            raise Exhausted(Code.TOO_MANY_DOCUMENTS, message, span.start, "split it into several")
        if raw is None:
            return  # nothing between two markers
        if not isinstance(raw, dict):
            message = "a document is a mapping with apiVersion, kind, metadata and spec"
            self.report.refuse(Refused(Code.NOT_A_DOCUMENT, message, span.start))
        elif raw.get("kind") not in KINDS:
            self.report.refuse(_unknown_kind(raw, span, self._text))
        else:
            self._keep(_document(raw, self._source, self._text, span), span)

    def _keep(self, document: Document, span: Span) -> None:
        if document.name and document.label in self._labels:
            message = f"{document.label} is already in this text"
            refused = Refused(Code.DUPLICATE_DOCUMENT, message, span.start, "rename one, or remove it")
            self.report.refuse(refused)
        self._labels.add(document.label)
        self.documents.append(document)


def _document(raw: dict[str, Any], source: str, text: str = "", span: Span | None = None) -> Document:
    return Document(
        kind=str(raw.get("kind", "")),
        name=_name(raw),
        raw=raw,
        source=source,
        text=text,
        span=span,
    )


def _name(raw: dict[str, Any]) -> str:
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict):
        return ""
    name = metadata.get("name")
    if not isinstance(name, str):
        return ""
    namespace = metadata.get("namespace") if raw.get("kind") == "Workflow" else None
    return f"{namespace}/{name}" if namespace and isinstance(namespace, str) else name


def _unknown_kind(raw: dict[str, Any], span: Span, text: str) -> Refused:
    kind = raw.get("kind")
    if "kind" not in raw:
        return Refused(Code.UNKNOWN_KIND, 'the document has no "kind"', span.start, _listed())
    at = find_span(span, "/kind")[0]
    if not isinstance(kind, str):
        return Refused(Code.UNKNOWN_KIND, "the kind must be text", at.start, _listed())
    near = nearest(kind, KINDS)
    certain = near and written(text, at) == kind
    replacement = (at.end, f"{at.style}{near}{at.style}") if certain else None
    message = f'there is no kind "{kind[:80]}"'
    return Refused(Code.UNKNOWN_KIND, message, at.start, did_you_mean(near, KINDS), replacement)


def _listed() -> str:
    return f"one of {', '.join(KINDS)}"
