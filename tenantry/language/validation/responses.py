"""Whether a workflow's `response` can be an HTTP answer: its status, its headers, its body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tenantry.language.codes import Code
from tenantry.language.schemas.subtyping import Refuted
from tenantry.language.templates.headers import compile_header
from tenantry.language.validation.inference import check_text, infer
from tenantry.language.values import dump_json, pointer_token

if TYPE_CHECKING:
    from tenantry.language.documents.model import Response
    from tenantry.language.validation.references import References

_STATUS: Final = {"type": "integer", "minimum": 200, "maximum": 599}
_HEADER: Final = {"type": ["string", "number", "boolean"]}
_TEXT: Final = {"type": "string"}
_OF_THE_SERVER: Final = frozenset(
    (
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Headers about one connection (RFC 9110, 7.6.1), and about how long the body is."""


def check_response(response: Response, pointer: str, output: Any, references: References) -> None:
    """Reports what no HTTP answer can hold.

    Args:
        response: of a workflow.
        pointer: of the response in the document.
        output: schema of the workflow's output, which is the body unless the response gives one.
        references: follows references once all steps have ended.
    """
    _Check(pointer, references).run(response, output)


class _Check:
    def __init__(self, pointer: str, references: References) -> None:
        self._pointer = pointer
        self._references = references
        self._report = references.report

    def run(self, response: Response, output: Any) -> None:
        status = infer(response.status, f"{self._pointer}/status", self._references)
        self._require(status, _STATUS, "status", "the status must be a number from 200 to 599")
        for name, value in response.headers.items():
            place = f"headers{pointer_token(name)}"
            self._check_name(name, place)
            self._check_header(value, place, name)
        if response.content_type is not None:
            self._check_header(response.content_type, "contentType", "contentType")
        body, place = output, "contentType"
        if "body" in response.model_fields_set:
            body, place = infer(response.body, f"{self._pointer}/body", self._references), "body"
        if response.content_type is not None and "json" not in response.content_type.lower():
            self._require(body, _TEXT, place, "a body that is not JSON must be a text")

    def _check_name(self, name: str, place: str) -> None:
        if name.lower() in _OF_THE_SERVER:
            self._refuse_header(f"{name} is set by the server, for each connection", place, "remove it")
        elif name.lower() == "content-type":
            self._refuse_header("the type of the body is contentType", place, "give it as contentType")

    def _refuse_header(self, message: str, place: str, hint: str) -> None:
        pointer = f"{self._pointer}/{place}"
        self._report.add(Code.RESPONSE_HEADER, message, pointer, at_key=True, suggestion=hint)

    def _check_header(self, text: str, place: str, name: str) -> None:
        schema = check_text(text, f"{self._pointer}/{place}", compile_header, self._references)
        self._require(schema, _HEADER, place, f"{name} must be a text, a number or a boolean")

    def _require(self, given: Any, taken: Any, place: str, message: str) -> None:
        verdict = self._references.comparisons.compare(given, taken)
        if isinstance(verdict, Refuted):
            shown = dump_json(verdict.counterexample).decode()
            self._report.add(
                Code.RESPONSE_TYPE,
                f"{message}, and this may be {shown}",
                f"{self._pointer}/{place}",
                counterexample=verdict.counterexample,
            )
