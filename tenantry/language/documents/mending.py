"""A document that is not quite a model, read as far as it is one: one mistake must not hide the others."""

from __future__ import annotations

from collections import Counter
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from tenantry.language.documents.nearest import nearest
from tenantry.language.documents.reading import MAX_PROBLEMS, explain, quoted_names
from tenantry.language.documents.shapes import Place, place_of
from tenantry.language.values import pointer_token

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from tenantry.language.documents.document import Document
    from tenantry.language.documents.report import Report

ModelT = TypeVar("ModelT", bound=BaseModel)
_Tokens: TypeAlias = tuple[str | int, ...]

_ROUNDS: Final = 8  # what is put in may be wrong itself, or lack fields, which are put in in their turn
_NOT_MADE_UP: Final = frozenset(
    ("tuple_type", "list_type", "too_short", "too_long", "union_tag_not_found")
)  # what else reads the entries of a list would not find them
_BY_TYPE: Final[dict[str, Any]] = {
    "dict_type": {},
    "model_type": {},
    "model_attributes_type": {},
    "bool_type": False,
    "int_type": 1,
    "int_from_float": 1,
    "float_type": 1.0,
}
_WORDS: Final = ("1s", "200")  # what a word may have to be that is no name


def mend(document: Document, model: type[ModelT], report: Report) -> ModelT | None:
    """The model with something else where the document is wrong, for further checks only; never to be run.

    A field that is wrong or unknown is left out, and gets its default. What has to be there, a required
    field or an entry of a list, gets a value we made up, and `report` takes no findings about it. JSON
    pointers into the model are those of the document.

    Returns:
        Nothing when a list that must be there is wrong as a whole, or far too much is.
    """
    mender = _Mender(document, model)
    for _ in range(_ROUNDS):
        try:
            mended = model.model_validate(mender.raw)
        except ValidationError as error:
            if mender.made_up:  # beyond what was wrong before there may be more
                explain(error, model, report)
            if error.error_count() > MAX_PROBLEMS or not mender.mend(error):
                return None
            report.disregard(mender.made_up)
        else:
            return mended
    return None


class _Mender:
    """Changes a copy of a document until it is a model.

    Attributes:
        raw: the copy.
        made_up: what was put in, by JSON pointer.
    """

    def __init__(self, document: Document, model: type[BaseModel]) -> None:
        self.raw = deepcopy(document.raw)
        self.made_up: dict[str, Any] = {}
        self._model = model
        self._tries: Counter[str] = Counter()

    def mend(self, error: ValidationError) -> bool:
        """Changes what the error is about; false when that cannot be done."""
        details = error.errors(include_url=False, include_input=False)
        return all(self._mend(detail, place_of(self._model, detail["loc"])) for detail in details)

    def _mend(self, detail: ErrorDetails, place: Place) -> bool:
        """Puts something in at the place, or else leaves out the innermost field around it that may be."""
        owners = self._owners(place.tokens)
        if len(owners) < len(place.tokens):
            return True  # left out already, with what it stands in
        if detail["type"] == "too_short" and owners[-1].get(place.tokens[-1], True):
            return True  # only because its entries are wrong; or it is left out already
        if place.tokens and place.required[-1] and self._make_up(detail, place, owners[-1]):
            return True
        for owner, token, required in reversed([*zip(owners, place.tokens, place.required, strict=True)]):
            if not required:
                owner.pop(token, None)
                return True
        return False

    def _owners(self, tokens: _Tokens) -> list[Any]:
        """What each of the tokens is to be looked up in, as far as that is there."""
        owners: list[Any] = []
        value: Any = self.raw
        for token in tokens:
            if isinstance(token, int) and isinstance(value, list):
                owners.append(value)
                value = value[token]
            elif isinstance(token, str) and isinstance(value, dict):
                owners.append(value)
                value = value.get(token)
            else:
                break
        return owners

    def _make_up(self, detail: ErrorDetails, place: Place, owner: Any) -> bool:
        tokens = place.tokens
        pointer = "".join(map(pointer_token, tokens))
        if detail["type"] == "union_tag_invalid":
            return self._choose(detail["ctx"], owner[tokens[-1]], pointer)
        value = self._value(detail, pointer)
        if value is not None:
            owner[tokens[-1]] = self.made_up[pointer] = value
        return value is not None

    def _choose(self, context: dict[str, Any], owner: dict[str, Any], pointer: str) -> bool:
        """Takes the nearest of the kinds there are."""
        name = context["discriminator"].strip("'")
        near = nearest(context["tag"], quoted_names(context["expected_tags"]))
        if near is not None:
            owner[name] = self.made_up[pointer + pointer_token(name)] = near
        return near is not None

    def _value(self, detail: ErrorDetails, pointer: str) -> Any:
        kind = detail["type"]
        if kind in _NOT_MADE_UP:
            return None
        if kind == "literal_error":
            return quoted_names(detail["ctx"]["expected"])[0]
        if kind in _BY_TYPE:
            return copy(_BY_TYPE[kind])
        self._tries[pointer] += 1
        words = (f"unnamed{len(self.made_up) + 1}", *_WORDS)
        return words[self._tries[pointer] - 1] if self._tries[pointer] <= len(words) else None
