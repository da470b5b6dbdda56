"""How many templates a document holds: each is parsed, checked and compiled, by every plane that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.codes import Code
from tenantry.language.templates.parser import texts

if TYPE_CHECKING:
    from tenantry.language.documents.document import Document
    from tenantry.language.documents.report import Report

MAX_TEMPLATES: Final = 20_000
"""Templates in one document."""


def check_amount(document: Document, report: Report) -> bool:
    """Reports a document of too many templates.

    Returns:
        Whether it can be checked further.
    """
    count = sum(text.count("{{") for _, text in texts(document.raw))
    if count > MAX_TEMPLATES:
        message = f"the document holds {count} templates; it may have at most {MAX_TEMPLATES}"
        report.add(Code.INVALID_VALUE, message, "", suggestion="move data out of the definition")
    return count <= MAX_TEMPLATES
