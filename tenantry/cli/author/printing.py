"""Findings as authors read them: the place, the line with a caret, and what to do; or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec
from rich.cells import cell_len
from rich.text import Text

from tenantry.language.documents.spans import index_at
from tenantry.language.findings import Position, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tenantry.cli.author.judging import Judged
    from tenantry.cli.author.sources import Sources
    from tenantry.language.findings import Edit, Finding

_WIDTH: Final = 120
"""Characters of a line that are shown, around the one a finding is about."""

_STYLES: Final = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}


def describe(finding: Finding, texts: Mapping[str, str]) -> Text:
    """A finding as lines: the first in the `file:line:column` form that editors understand."""
    position = finding.position
    place = f"{finding.source}:{position.line}:{position.column}" if position else finding.source
    said = Text.assemble(
        (f"{_plain(place)}: ", "bold"),
        (f"{finding.severity.value} {finding.code}", _STYLES[finding.severity]),
        f": {_plain(finding.message)}\n",
    )
    text = texts[finding.source]
    if position is not None:
        said.append_text(_excerpt(text, position))
    for label, content in _remarks(finding, text):
        said.append(f"  {label}: ", "cyan").append(f"{_plain(content)}\n")
    for line in finding.details.splitlines():
        said.append(f"  {_plain(line)}\n")
    return said.append(f"  see: {finding.docs}\n", "dim")


def summary(judged: Judged, sources: Sources) -> str:
    """How many documents were judged and what was found, in one line."""
    found = ", ".join(
        _count(judged.count(severity), severity.value) for severity in Severity if judged.count(severity)
    )
    left_out = f"; {_count(len(sources.left_out), 'file')} without definitions left out"
    return (
        f"{_count(len(judged.documents), 'document')}: {found or 'valid'}{left_out * bool(sources.left_out)}"
    )


def as_json(judged: Judged, sources: Sources) -> str:
    """Everything as one JSON object."""
    return json.dumps(
        {
            "documents": len(judged.documents),
            "errors": judged.count(Severity.ERROR),
            "warnings": judged.count(Severity.WARNING),
            "findings": list(map(_as_object, judged.findings)),
            "leftOut": sources.left_out,
        },
        indent=2,
    )


def _as_object(finding: Finding) -> dict[str, Any]:
    always = {"severity": finding.severity.value, "source": finding.source, "docs": finding.docs}
    return {**msgspec.to_builtins(finding), **always}


def _remarks(finding: Finding, text: str) -> Iterator[tuple[str, str]]:
    if finding.suggestion:
        yield "help", finding.suggestion
    if finding.edit is not None:
        yield "edit", _edit(finding.edit, text)
    if finding.counterexample is not msgspec.UNSET:
        yield "example", json.dumps(finding.counterexample, ensure_ascii=False)


def _edit(edit: Edit, text: str) -> str:
    replaced = text[index_at(text, edit.start) : index_at(text, edit.end)]
    if not replaced:
        return f"put in {edit.replacement!r}"
    return f"replace {replaced!r} with {edit.replacement!r}" if edit.replacement else f"take out {replaced!r}"


def _excerpt(text: str, position: Position) -> Text:
    """The line, cut to a width, with a caret under the column."""
    begin = index_at(text, Position(line=position.line, column=1))
    line = text[begin:].split("\n", 1)[0]
    first = max(0, position.column - 1 - _WIDTH // 2)
    shown = _plain(line[first : first + _WIDTH])
    number = str(position.line)
    before = cell_len(shown[: position.column - 1 - first])
    return Text.assemble(
        (f"  {number} | ", "dim"),
        f"{shown}\n",
        (f"  {' ' * len(number)} | ", "dim"),
        (f"{' ' * before}^\n", "bold"),
    )


def _plain(text: str) -> str:
    """The text with a sign in place of everything that a terminal would obey; of the same length."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
