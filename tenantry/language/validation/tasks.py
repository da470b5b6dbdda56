"""Whether a task may deploy: its schemas, its request or expression, and the templates in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenantry.language.codes import Code
from tenantry.language.documents.mending import mend
from tenantry.language.documents.model import HttpTaskSpec, TransformTaskSpec, WorkflowTask
from tenantry.language.documents.reading import read
from tenantry.language.documents.report import Report
from tenantry.language.findings import Severity
from tenantry.language.plan.expressions import compile_expression
from tenantry.language.schemas.untyped import UNTYPED
from tenantry.language.templates.errors import TemplateSyntaxError
from tenantry.language.templates.headers import compile_header
from tenantry.language.templates.model import Template
from tenantry.language.templates.urls import compile_url
from tenantry.language.validation.amount import check_amount
from tenantry.language.validation.effort import check_key, check_retry
from tenantry.language.validation.inference import check_text, infer, report_syntax
from tenantry.language.validation.readable import Readable
from tenantry.language.validation.references import References
from tenantry.language.validation.schemas import check_schema
from tenantry.language.validation.taint import check_task_secrets
from tenantry.language.validation.texts import Texts
from tenantry.language.values import pointer_token

if TYPE_CHECKING:
    from tenantry.language.documents.document import Document
    from tenantry.language.documents.model import HttpRequest
    from tenantry.language.findings import Finding

_REQUEST_ROOTS: Final = frozenset(("input", "workflow", "execution", "tenant"))
_TRANSFORM_ROOTS: Final = frozenset(("input",))
_VARYING_ROOTS: Final = frozenset(("input", "execution"))
"""What tells one execution from another."""


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
        _check(readable, report)
    return (None if report.has_errors else task), report.findings()


def _check(task: WorkflowTask, report: Report) -> None:
    spec, texts = task.spec, Texts()
    usable = check_schema(spec.input_schema, "/spec/inputSchema", report)
    check_schema(spec.output_schema, "/spec/outputSchema", report)
    check_task_secrets(task, report, texts)
    given = spec.input_schema if usable and spec.input_schema is not None else UNTYPED
    if isinstance(spec, TransformTaskSpec):
        _check_transform(spec, References(Readable(roots=_TRANSFORM_ROOTS, input=given), report, texts))
        return
    _check_request(spec, References(Readable(roots=_REQUEST_ROOTS, input=given), report, texts))
    check_retry(spec.retry, "/spec/retry", report)
    if spec.cache is not None and spec.cache.key is not None:
        check_key(spec.cache.key, "/spec/cache/key", given, report, texts)


def _check_request(spec: HttpTaskSpec, references: References) -> None:
    request, pointer = spec.request, "/spec/request"
    check_text(request.url, f"{pointer}/url", compile_url, references)
    for name, value in request.headers.items():
        check_text(value, f"{pointer}/headers{pointer_token(name)}", compile_header, references)
    _check_idempotency(request, f"{pointer}/headers", references)
    infer(dict(request.query), f"{pointer}/query", references)
    infer(request.body, f"{pointer}/body", references)


def _check_idempotency(request: HttpRequest, pointer: str, references: References) -> None:
    name = request.idempotency_header
    if name is None:
        return
    template = references.texts.template(request.headers[name])
    if isinstance(template, Template) and all(one.root not in _VARYING_ROOTS for one in template.references):
        references.report.add(
            Code.CONSTANT_KEY,
            f"{name} is the same in every execution, so the upstream takes all of them for one",
            pointer + pointer_token(name),
            suggestion="read the input in it, such as '{{input.key}}', or write '{{execution.id}}'",
            severity=Severity.WARNING,
        )


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
