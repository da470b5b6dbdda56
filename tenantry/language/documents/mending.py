"""A document that is not quite a model, read as far as it is one: one mistake must not hide the others."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from tenantry.language.documents.reading import MAX_PROBLEMS
from tenantry.language.documents.shapes import place_of

if TYPE_CHECKING:
    from tenantry.language.documents.document import Document

ModelT = TypeVar("ModelT", bound=BaseModel)

_ROUNDS = 4  # a field left out may leave its owner incomplete, which is then left out in its turn


def mend(document: Document, model: type[ModelT]) -> ModelT | None:
    """The model without the fields that are wrong or unknown, for further checks only; never to be run.

    Returns:
        Nothing when a required field is wrong, or far too much is. JSON pointers into the model are those of
        the document.
    """
    raw = deepcopy(document.raw)
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            if error.error_count() > MAX_PROBLEMS:
                return None
            for detail in error.errors(include_url=False, include_input=False):
                _leave_out(raw, place_of(model, detail["loc"]).tokens)
    return None


def _leave_out(raw: Any, tokens: tuple[str | int, ...]) -> None:
    """Removes the innermost field on the way; never an entry of a list, which would move the others."""
    owner, name = raw, ""
    for token in tokens:
        if isinstance(raw, dict) and token in raw:
            owner, name = raw, str(token)
        elif not isinstance(raw, list) or not isinstance(token, int):
            break
        raw = raw[token]
    owner.pop(name, None)
