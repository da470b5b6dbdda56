"""The schema of a value of which nothing is known. Inference writes it, and comparing lets it pass."""

from __future__ import annotations

from typing import Any, Final

MARK: Final = "\0untyped"
"""No document holds a name with U+0000, so no author can write it."""

UNTYPED: Final[dict[str, Any]] = {MARK: True}
"""Allows every value, and is not to blame for any: comparing never refutes by what it might be.

It is a schema like any other, so it may be part of one, copied and written out. An author's `{}` or `true`
means that every value does occur.
"""


def is_untyped(schema: Any) -> bool:
    """Whether a schema says that nothing is known."""
    return isinstance(schema, dict) and MARK in schema
