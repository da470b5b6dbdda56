"""How hard a task is tried: what a task or a step says of retries and cached results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.language.codes import Code
from tenantry.language.findings import Severity
from tenantry.language.validation.inference import infer
from tenantry.language.validation.readable import Readable
from tenantry.language.validation.references import References

if TYPE_CHECKING:
    from tenantry.language.documents.model import Retry
    from tenantry.language.documents.report import Report
    from tenantry.language.validation.texts import Texts

_ROOTS: Final = frozenset(("input",))


def check_retry(retry: Retry | None, pointer: str, report: Report) -> None:
    """Reports delays between attempts that contradict each other."""
    if retry is not None and retry.initial_delay > retry.max_delay:
        message = (
            f"the first delay is {retry.initial_delay:g}s, and none may be longer than {retry.max_delay:g}s"
        )
        hint = "give a longer maxDelay, or a shorter initialDelay"
        report.add(Code.CONTRADICTION, message, pointer, suggestion=hint, severity=Severity.WARNING)


def check_key(key: str, pointer: str, given: Any, report: Report, texts: Texts) -> None:
    """Reports what is wrong with the key of a cached result, which reads the task's input of this schema."""
    infer(key, pointer, References(Readable(roots=_ROOTS, input=given), report, texts))
