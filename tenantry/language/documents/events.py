"""What YAML and JSON texts have in common: a stream of events, and the ways a text is refused.

`yaml_text` and `json_text` produce events, `building` makes trees of them.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tenantry.language.codes import Code


class Kind(Enum):
    """What an event says."""

    DOCUMENT_END = auto()
    OBJECT = auto()
    ARRAY = auto()
    END = auto()
    SCALAR = auto()
    ALIAS = auto()


class Event(NamedTuple):
    """One step through a text.

    Attributes:
        start: index in the text.
        text: of a scalar, unquoted.
        style: how a scalar is written; see `Span.style`.
        anchor: the name that an `&anchor` gives or an `*alias` uses.
        tag: as the library spells it, such as `tag:yaml.org,2002:str`.
    """

    kind: Kind
    start: int
    text: str = ""
    style: str = ""
    anchor: str | None = None
    tag: str | None = None


class Refused(Exception):  # noqa: N818  the text is refused, nothing of ours went wrong
    """Something in the text cannot be taken; carries what the finding says."""

    def __init__(self, code: Code, message: str, start: int, suggestion: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.start, self.suggestion = code, message, start, suggestion
