"""The ways a text is refused. Raised while a text is read; `parsing` makes findings of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenantry.language.codes import Code


class Refused(Exception):  # noqa: N818  the text is refused, nothing of ours went wrong
    """Something in the text cannot be taken; carries what the finding says.

    Attributes:
        start: index of the character it is about.
        suggestion: what to do.
        replacement: the end of what stands there, and what to write instead, when that is certain.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        start: int,
        suggestion: str = "",
        replacement: tuple[int, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.start, self.suggestion = code, message, start, suggestion
        self.replacement = replacement


class Exhausted(Refused):
    """A bound of the whole text is reached: nothing after this is read."""
