"""Documents that came in, their plain text, and what is thought of a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tenantry.testapi.problems import not_found
from tenantry.testapi.queries import Page, Query, read_query
from tenantry.testapi.seed import DOCUMENTS

if TYPE_CHECKING:
    from starlette.requests import Request

    from tenantry.testapi.seed import Record

_GOOD: Final = frozenset({"thank", "thanks", "great", "good", "fast", "happy", "love", "perfect"})
_BAD: Final = frozenset({"broken", "late", "bad", "angry", "never", "refund", "wrong", "worst"})


class DocumentPage(Page):
    """Filters of the document list."""

    kind: Literal["invoice", "contract", "letter"] | None = None


class TextQuery(Query):
    """What is judged."""

    text: str = Field(max_length=2000)


async def list_documents(request: Request) -> Response:
    """GET /documents, without their texts."""
    page = read_query(request, DocumentPage)
    found = [_head(document) for document in DOCUMENTS.values() if page.kind in (None, document["kind"])]
    return JSONResponse(page.cut("documents", found))


async def get_document(request: Request) -> Response:
    """GET /documents/{id}."""
    return JSONResponse(_find(request))


async def get_text(request: Request) -> Response:
    """GET /documents/{id}/text: plain text."""
    return PlainTextResponse(_find(request)["text"])


async def get_sentiment(request: Request) -> Response:
    """GET /texts/sentiment: the words that please against those that do not."""
    words = re.findall(r"[a-z]+", read_query(request, TextQuery).text.lower())
    score = sum((word in _GOOD) - (word in _BAD) for word in words)
    sentiment = "positive" if score > 0 else "negative" if score < 0 else "neutral"
    return JSONResponse({"sentiment": sentiment, "score": score, "words": len(words)})


def _head(document: Record) -> Record:
    return {name: value for name, value in document.items() if name != "text"}


def _find(request: Request) -> Record:
    document_id: str = request.path_params["id"]
    document = DOCUMENTS.get(document_id)
    if document is None:
        raise not_found("document", document_id[:40])
    return document


ROUTES = (
    Route("/documents", list_documents),
    Route("/documents/{id}", get_document),
    Route("/documents/{id}/text", get_text),
    Route("/texts/sentiment", get_sentiment),
)
