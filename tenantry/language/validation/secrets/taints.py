"""Taints: which secrets a value may hold, and where in it. Validation follows secrets with them.

A taint says too much rather than too little: every part of a value that may hold a secret is covered by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Final, TypeAlias

from tenantry.language.templates.model import Template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenantry.language.documents.model import SecretUse
    from tenantry.language.templates.model import Reference
    from tenantry.language.validation.texts import Texts
    from tenantry.language.values import Json

Secrets: TypeAlias = "frozenset[SecretUse]"

MAX_PARTS: Final = 200
"""Parts of one value that are told apart. With more, any of them may hold any of its secrets."""


@dataclass(frozen=True, slots=True)
class Taint:
    """The secrets in a value.

    Attributes:
        anywhere: they may be in any part of it.
        parts: of fields and of items by index.
        items: of every item of a list.
        secrets: all of them, wherever they are.
        size: how many parts are told apart.
    """

    anywhere: Secrets = frozenset()
    parts: Mapping[str | int, Taint] = field(default_factory=dict)
    items: Taint | None = None
    secrets: Secrets = frozenset()
    size: int = 1

    @classmethod
    def of(cls, secrets: Secrets) -> Taint:
        """Of a value of which any part may hold these secrets."""
        return cls(anywhere=secrets, secrets=secrets) if secrets else NOTHING

    @classmethod
    def made_of(
        cls, parts: Mapping[str | int, Taint], items: Taint | None = None, anywhere: Secrets = frozenset()
    ) -> Taint:
        """Of an object of these fields, or a list of these items."""
        kept = {key: part for key, part in parts.items() if part.secrets}
        if not kept and items is None:
            return cls.of(anywhere)
        items = items if items is not None and items.secrets else None
        inside = [*kept.values(), *([items] if items is not None else ())]
        secrets = anywhere.union(*(part.secrets for part in inside))
        size = 1 + sum(part.size for part in inside)
        if size > MAX_PARTS or secrets == anywhere:
            return cls.of(secrets)
        return cls(anywhere, kept, items, secrets, size)

    @classmethod
    def list_of(cls, item: Taint) -> Taint:
        """Of a list of such items."""
        return cls.made_of({}, item)

    def at(self, path: tuple[str | int, ...]) -> Taint:
        """Of the value at a path in this one."""
        return reduce(Taint._step, path, self)

    def _step(self, key: str | int) -> Taint:
        found = Taint.of(self.anywhere) | self.parts.get(key, NOTHING)
        return found | self.items if isinstance(key, int) and self.items is not None else found

    def __or__(self, other: Taint) -> Taint:
        """Of a value that is one or the other."""
        if not self.secrets or not other.secrets:
            return self if self.secrets else other
        keys = dict.fromkeys((*self.parts, *other.parts))
        parts = {key: self.parts.get(key, NOTHING) | other.parts.get(key, NOTHING) for key in keys}
        items = (self.items or NOTHING) | (other.items or NOTHING)
        return Taint.made_of(parts, items, self.anywhere | other.anywhere)


NOTHING: Final = Taint()


def taint_of(value: Json, texts: Texts, read: Callable[[Reference], Taint]) -> Taint:
    """The taint of what a value with templates gives.

    Args:
        value: from a document.
        texts: parses its templates.
        read: the taint of what a reference gives.
    """
    if isinstance(value, dict):
        return Taint.made_of({key: taint_of(child, texts, read) for key, child in value.items()})
    if isinstance(value, list):
        return Taint.made_of({index: taint_of(child, texts, read) for index, child in enumerate(value)})
    if not isinstance(value, str) or "{{" not in value:
        return NOTHING
    template = texts.template(value)
    if isinstance(template, Template) and template.whole is not None:
        return read(template.whole)
    secrets: Secrets = frozenset()
    return Taint.of(secrets.union(*(read(reference).secrets for _, reference in texts.references(value, ""))))
