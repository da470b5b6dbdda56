"""Collecting what is wrong with a text as such: here it gets positions and a bound. `parsing` fills it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.codes import Code
from tenantry.language.documents.refusals import Exhausted, Refused
from tenantry.language.documents.report import shortened
from tenantry.language.documents.spans import edit_between, position_at
from tenantry.language.findings import Finding

if TYPE_CHECKING:
    from tenantry.language.findings import Edit

MAX_LISTED: Final = 100
MAX_COUNTED: Final = 1000


class TextReport:
    """The findings about a text so far. From the hundred and first on they are only counted."""

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._findings: list[Finding] = []
        self._left_out = 0

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._findings)

    def refuse(self, refused: Refused) -> None:
        """Adds a finding.

        Raises:
            Exhausted: there are more than anybody counts.
        """
        if len(self._findings) >= MAX_LISTED:
            self._left_out += 1
            if self._left_out == MAX_COUNTED:
                raise Exhausted(refused.code, refused.message, refused.start)
            return
        finding = self._finding(refused)
        last = self._findings[-1] if self._findings else None
        if last is not None and (last.code, last.position) == (finding.code, finding.position):
            # An unquoted template is seen when it is built, and again when YAML gives up on its line.
            self._findings.pop()
        self._findings.append(finding)

    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the text."""
        if not self._left_out:
            return tuple(self._findings)
        count = f"at least {MAX_COUNTED:,}" if self._left_out >= MAX_COUNTED else str(self._left_out)
        more = Refused(
            Code.TOO_MANY_FINDINGS,
            f"{count} more findings are not listed",
            len(self._text),
            "mend these first",
        )
        return (*self._findings, self._finding(more))

    def _finding(self, refused: Refused) -> Finding:
        return Finding(
            code=refused.code,
            message=shortened(refused.message),
            source=self._source,
            position=position_at(self._text, min(refused.start, len(self._text))),
            suggestion=refused.suggestion,
            edit=self._edit(refused),
        )

    def _edit(self, refused: Refused) -> Edit | None:
        if refused.replacement is None:
            return None
        end, replacement = refused.replacement
        return edit_between(self._text, refused.start, end, replacement)
