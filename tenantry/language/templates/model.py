"""Templates as values: text with references. The parser makes them; compilers and validation read them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
import orjson

if TYPE_CHECKING:
    from tenantry.language.values import Json

NAME: Final = re.compile(r"[^\W\d][\w-]*")
"""What `.name` may be; any other field name is written `['name']`."""

STEP: Final = re.compile(rf"\$(?:parent|root)(?![\w-])|{NAME.pattern}")
"""What may stand behind a `.`: a name, or the loop around this one."""

_OPENING: Final = re.compile(r"\{{2,}|\{$")


def quote(text: str) -> str:
    """The text as a string literal of templates."""
    for plain, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return f"'{text}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A path into the scope: what stands between `{{` and `}}`.

    Attributes:
        root: one of `roots.ROOTS`.
        path: the steps after the root, a name or an index each: `("user", "output", "id")` after `tasks`.
        default: what `??` gives when the path leads to nothing or to null; `UNSET` without one.
        offset: where the path begins in the text, in characters from 0.
        length: of the path, in characters.
    """

    root: str
    path: tuple[str | int, ...] = ()
    default: Json | msgspec.UnsetType = msgspec.UNSET
    offset: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    @property
    def path_text(self) -> str:
        """The path as it is written, such as `tasks.user.output['e-mail']`."""
        return self.root + "".join(map(_step_text, self.path))

    def __str__(self) -> str:
        default = "" if self.default is msgspec.UNSET else f" ?? {literal_text(self.default)}"
        return f"{{{{{self.path_text}{default}}}}}"


@dataclass(frozen=True, slots=True)
class Template:
    """A text with references in it, in order. Neighbouring texts are one, and none is empty."""

    parts: tuple[str | Reference, ...]

    @property
    def whole(self) -> Reference | None:
        """The reference, when the text is exactly one: its value then keeps its type."""
        match self.parts:
            case (Reference() as reference,):
                return reference
        return None

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every reference, in order."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    def __str__(self) -> str:
        """The template as text that parses to an equal template."""
        return "".join(
            str(part) if isinstance(part, Reference) else _OPENING.sub(_quote_opening, part)
            for part in self.parts
        )


def literal_text(value: Json) -> str:
    """The value as a literal of templates: JSON, with strings in single quotes."""
    match value:
        case str():
            return quote(value)
        case list():
            return "[" + ", ".join(map(literal_text, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{quote(k)}: {literal_text(v)}" for k, v in value.items()) + "}"
    return orjson.dumps(value).decode()


def _step_text(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if STEP.fullmatch(step) else f"[{quote(step)}]"


def _quote_opening(match: re.Match[str]) -> str:
    return "{{" + quote(match.group()) + "}}"
