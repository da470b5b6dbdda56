"""The reference page of all findings, as Markdown. A test keeps `docs/reference/findings.md` equal to it."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Final

from tenantry.language.validation.catalogue import CATALOGUE
from tenantry.language.validation.catalogue.entry import TASKS, Entry, Frame

if TYPE_CHECKING:
    from tenantry.language.codes import Code

_CHAPTERS: Final = {
    "WF0": "Texts",
    "WF1": "Fields and schemas",
    "WF2": "Templates and references",
    "WF3": "Types",
    "WF4": "The graph",
    "WF5": "Policy",
    "WF6": "Changes",
}
_WIDTH: Final = 110


def render_page() -> str:
    """The whole page."""
    parts = [_INTRODUCTION.format(tasks=TASKS)]
    for prefix, chapter in _CHAPTERS.items():
        parts.append(f"## {chapter}\n")
        parts += [_section(code, entry) for code, entry in CATALOGUE.items() if code.startswith(prefix)]
    return "\n".join(parts)


def _section(code: Code, entry: Entry) -> str:
    weight = f" A {entry.severity}." if entry.severity == "warning" else ""
    cause = fill(f"**{entry.title}.** {entry.cause}{weight}", _WIDTH)
    return f"### {code}\n\n{cause}\n\n{_example(entry)}\n{fill(entry.fix, _WIDTH)}\n"


def _example(entry: Entry) -> str:
    where = "" if entry.frame is Frame.WORKFLOW else f" in {entry.frame.value}"
    times = f", {entry.repeat:,} times" if entry.repeat > 1 else ""
    return f"Example{where}{times}:\n\n```yaml\n{entry.shown}```\n"


_INTRODUCTION: Final = """\
# Findings

What validation says about a document, wherever it is asked: command line, GraphQL, webhook, editor. All
findings are reported at once. Each has a code that never changes its meaning, a place (`file:line:column` and
a JSON pointer), a sentence, and mostly a suggestion. An *error* refuses the document, a *warning* does not.

Every example below is run by a test and gives the finding it stands under. Unless it says otherwise it is the
`spec` of a workflow of a tenant that may use all tasks but `internal-*` and has a provider for `vault` only,
beside these tasks:

```yaml
{tasks}```
"""
