"""From a pydantic error's location to the place in the document, along the models' own field types."""

from __future__ import annotations

from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_KEY = "[key]"  # pydantic's last element when a mapping's key is at fault


@dataclass(frozen=True, slots=True)
class Place:
    """What an error is about.

    Attributes:
        tokens: of the JSON pointer to it.
        required: of each token, whether it has to be there: a required field, or an entry of a list.
        known: the fields that exist beside it, when it is a field of a model.
        is_key: it is about a mapping's key rather than its value.
    """

    tokens: tuple[str | int, ...]
    required: tuple[bool, ...]
    known: tuple[str, ...]
    is_key: bool


def place_of(model: type[BaseModel], location: tuple[str | int, ...]) -> Place:
    """The place an error's `loc` names, without the tags of unions that pydantic mixes into it."""
    is_key = bool(location) and location[-1] == _KEY
    tokens: list[str | int] = []
    required: list[bool] = []
    known: tuple[str, ...] = ()
    shape: Any = model
    for element in location[:-1] if is_key else location:
        variant = _variant(shape, element)
        if variant is not None:
            shape = variant
            continue
        tokens.append(element)
        fields = _fields(shape)
        field = fields.get(str(element))
        required.append(field.is_required() if field else isinstance(element, int))
        known = tuple(fields)
        shape = field.annotation if field else _items(shape)
    return Place(tuple(tokens), tuple(required), known, is_key)


def _variant(shape: Any, element: str | int) -> Any:
    """The member of a discriminated union whose tag the element is."""
    variants = [member for member in _members(shape) if _is_model(member)]
    if len(variants) < 2:  # noqa: PLR2004  one member is no union
        return None
    return next((member for member in variants if _is_tagged(member, element)), None)


def _is_tagged(member: type[BaseModel], tag: str | int) -> bool:
    return any(tag in get_args(field.annotation) for field in member.model_fields.values())


def _fields(shape: Any) -> dict[str, FieldInfo]:
    """A model's fields by their outside names; nothing for what is no model."""
    for member in _members(shape):
        if _is_model(member):
            return {field.alias or name: field for name, field in member.model_fields.items()}
    return {}


def _items(shape: Any) -> Any:
    """The type of a collection's items or values."""
    arguments = [argument for member in _members(shape) for argument in get_args(member)]
    return next((argument for argument in reversed(arguments) if argument is not Ellipsis), None)


def _members(shape: Any) -> tuple[Any, ...]:
    """The members of a union; the shape itself when it is none. `Annotated` is looked through."""
    if get_origin(shape) is Annotated:
        shape = get_args(shape)[0]
    return get_args(shape) if get_origin(shape) in {Union, UnionType} else (shape,)


def _is_model(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, BaseModel)
