"""Text into documents: the door through which every definition comes, whoever applies it. Never raises."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tenantry.language.codes import Code
from tenantry.language.documents.building import Builder, Node
from tenantry.language.documents.document import Document, Parsed
from tenantry.language.documents.events import Event, Refused
from tenantry.language.documents.json_text import is_json, json_events
from tenantry.language.documents.nearest import did_you_mean, nearest
from tenantry.language.documents.report import shortened
from tenantry.language.documents.spans import Span, position_at
from tenantry.language.documents.yaml_text import yaml_events
from tenantry.language.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS: Final = ("Workflow", "WorkflowTask", "WorkflowTenant")
MAX_TEXT_BYTES: Final = 1024 * 1024
MAX_DOCUMENTS: Final = 1000

_MAX_FINDINGS: Final = 100
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
    return Parsed(tuple(reader.documents), reader.findings())


def load_document(raw: dict[str, Any], source: str = "<input>") -> Document:
    """A document from JSON that was parsed before, such as a stored definition; findings get no positions."""
    return _document(raw, source)


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._labels: set[str] = set()
        self._findings: list[Finding] = []
        self._left_out = 0
        self.documents: list[Document] = []

    def run(self) -> None:
        if len(self._text.encode(errors="surrogatepass")) > MAX_TEXT_BYTES:
            self._refuse(Refused(Code.TOO_LARGE, "the text is larger than 1 MiB", 0, "split it into several"))
            return
        for node in self._nodes():
            if len(self.documents) >= MAX_DOCUMENTS:
                message = f"the text holds more than {MAX_DOCUMENTS} documents"
                start = node.span.start
                self._refuse(Refused(Code.TOO_MANY_DOCUMENTS, message, start, "split it into several"))
                return
            self._take(node)
        if not self.documents and not self._findings:
            self._refuse(Refused(Code.NOT_A_DOCUMENT, "the text holds no document", 0))

    def _nodes(self) -> Iterator[Node]:
        builder = Builder(self._text, self._refuse)
        begin = 0
        for _ in range(_MAX_RESTARTS):
            try:
                yield from builder.documents(self._events(begin))
            except Refused as refused:
                self._refuse(refused)
                begin = self._next_marker(max(refused.start, begin + 1))
            else:
                return

    def _events(self, begin: int) -> Iterator[Event]:
        if begin == 0 and is_json(self._text):
            return json_events(self._text)
        return yaml_events(self._text, begin)

    def _next_marker(self, index: int) -> int:
        marker = _MARKER.search(self._text, index)
        return marker.start() if marker else len(self._text)

    def _take(self, node: Node) -> None:
        raw = node.value
        if raw is None:
            return  # nothing between two markers
        if not isinstance(raw, dict):
            message = "a document is a mapping with apiVersion, kind, metadata and spec"
            self._refuse(Refused(Code.NOT_A_DOCUMENT, message, node.span.start))
        elif raw.get("kind") not in KINDS:
            self._refuse(_unknown_kind(raw, node.span))
        else:
            self._keep(_document(raw, self._source, self._text, node.span), node.span)

    def _keep(self, document: Document, span: Span) -> None:
        if document.name and document.label in self._labels:
            message = f"{document.label} is already in this text"
            self._refuse(Refused(Code.DUPLICATE_DOCUMENT, message, span.start, "rename one, or remove it"))
        self._labels.add(document.label)
        self.documents.append(document)

    def _refuse(self, refused: Refused) -> None:
        if len(self._findings) >= _MAX_FINDINGS:
            self._left_out += 1
            return
        finding = self._finding(refused)
        # An unquoted template is seen when it is built, and perhaps again when YAML gives up on its line.
        if finding not in self._findings[-1:]:
            self._findings.append(finding)

    def _finding(self, refused: Refused) -> Finding:
        return Finding(
            code=refused.code,
            message=shortened(refused.message),
            source=self._source,
            position=position_at(self._text, min(refused.start, len(self._text))),
            suggestion=refused.suggestion,
        )

    def findings(self) -> tuple[Finding, ...]:
        if not self._left_out:
            return tuple(self._findings)
        message = f"{self._left_out} more findings are not listed"
        more = Refused(Code.TOO_MANY_FINDINGS, message, len(self._text), "mend these first")
        return (*self._findings, self._finding(more))


def _document(raw: dict[str, Any], source: str, text: str = "", span: Span | None = None) -> Document:
    metadata = raw.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return Document(
        kind=str(raw.get("kind", "")),
        name=name if isinstance(name, str) else "",
        raw=raw,
        source=source,
        text=text,
        span=span,
    )


def _unknown_kind(raw: dict[str, Any], span: Span) -> Refused:
    kind = raw.get("kind")
    if "kind" not in raw:
        return Refused(Code.UNKNOWN_KIND, 'the document has no "kind"', span.start, _listed())
    start = span.children["kind"].start
    if not isinstance(kind, str):
        return Refused(Code.UNKNOWN_KIND, "the kind must be text", start, _listed())
    return Refused(
        Code.UNKNOWN_KIND, f'there is no kind "{kind[:80]}"', start, did_you_mean(nearest(kind, KINDS), KINDS)
    )


def _listed() -> str:
    return f"one of {', '.join(KINDS)}"
