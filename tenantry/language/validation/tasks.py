"""Whether a task may deploy: its schemas, its request or expression, and the templates in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.codes import Code
from tenantry.language.documents.mending import mend
from tenantry.language.documents.model import HttpTaskSpec, TransformTaskSpec, WorkflowTask
from tenantry.language.documents.reading import read
from tenantry.language.documents.report import Report
from tenantry.language.plan.expressions import compile_expression
from tenantry.language.templates.errors import TemplateSyntaxError
from tenantry.language.templates.headers import compile_header
from tenantry.language.templates.parser import scan
from tenantry.language.templates.urls import compile_url
from tenantry.language.validation.amount import check_amount
from tenantry.language.validation.inference import infer, report_syntax
from tenantry.language.validation.readable import ANYTHING, Readable
from tenantry.language.validation.references import References
from tenantry.language.validation.schemas import check_schema
from tenantry.language.values import pointer_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.documents.document import Document
    from tenantry.language.findings import Finding

_REQUEST_ROOTS: Final = frozenset(("input", "workflow", "execution", "tenant"))
_TRANSFORM_ROOTS: Final = frozenset(("input",))


def validate_task(document: Document) -> tuple[WorkflowTask | None, tuple[Finding, ...]]:
    """Judges a task by itself.

    Args:
        document: of kind `WorkflowTask`.

    Returns:
        The task when nothing refuses it, and all findings in the order of the text, warnings included.
    """
    task, findings = read(document, WorkflowTask)
    report = Report(document, findings)
    if (
        check_amount(document, report)
        and (readable := task or mend(document, WorkflowTask, report)) is not None
    ):
        _check(readable.spec, report)
    return (None if report.has_errors else task), report.findings()


def _check(spec: HttpTaskSpec | TransformTaskSpec, report: Report) -> None:
    usable = check_schema(spec.input_schema, "/spec/inputSchema", report)
    check_schema(spec.output_schema, "/spec/outputSchema", report)
    given = (spec.input_schema if usable else None) or ANYTHING
    if isinstance(spec, HttpTaskSpec):
        _check_request(spec, References(Readable(roots=_REQUEST_ROOTS, input=given), report))
    else:
        _check_transform(spec, References(Readable(roots=_TRANSFORM_ROOTS, input=given), report))


def _check_request(spec: HttpTaskSpec, references: References) -> None:
    request, pointer = spec.request, "/spec/request"
    _check_text(request.url, f"{pointer}/url", compile_url, references)
    for name, value in request.headers.items():
        _check_text(value, f"{pointer}/headers{pointer_token(name)}", compile_header, references)
    infer(dict(request.query), f"{pointer}/query", references)
    infer(request.body, f"{pointer}/body", references)


def _check_text(
    text: str, pointer: str, compile_text: Callable[[str], object], references: References
) -> None:
    """Checks a text that is more than any template: what its templates read, then what it is itself."""
    infer(text, pointer, references)
    if scan(text).errors:
        return
    try:
        compile_text(text)
    except TemplateSyntaxError as error:
        report_syntax(references.report, Code.TEMPLATE_SYNTAX, pointer, error)


def _check_transform(spec: TransformTaskSpec, references: References) -> None:
    given = spec.model_fields_set & {"expression", "value"}
    if len(given) != 1:
        message = "a transform task has either an expression or a value"
        hint = "leave out one of them" if given else "give one of them"
        references.report.add(Code.TRANSFORM_CHOICE, message, "/spec", suggestion=hint)
    if spec.expression is not None:
        _check_expression(spec.expression, references.report)
    infer(spec.value, "/spec/value", references)


def _check_expression(expression: str, report: Report) -> None:
    try:
        compile_expression(expression)
    except TemplateSyntaxError as error:
        report_syntax(report, Code.INVALID_EXPRESSION, "/spec/expression", error)
