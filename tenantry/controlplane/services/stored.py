"""What a tenant has stored, as admission judges it and bundles carry it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tenantry.controlplane.services.uses import pins_of
from tenantry.controlplane.store.definitions import broken_definitions, current_definitions
from tenantry.controlplane.store.pins import pinned_versions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.ext.asyncio import AsyncSession

    from tenantry.controlplane.store.tables import DefinitionVersionRow

    Key: TypeAlias = tuple[str, str]
    """Kind and name."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A tenant's definitions.

    Attributes:
        current: the current version of each, by kind and name.
        pinned: the versions that references choose, such as `billing/invoice@v2`, by reference: those of the
            current workflows, those of the pinned ones, and so on. One that means nothing is missing.
        broken: what forced changes left current workflows with, by kind and name.
    """

    current: dict[Key, DefinitionVersionRow] = field(default_factory=dict)
    pinned: dict[str, DefinitionVersionRow] = field(default_factory=dict)
    broken: dict[Key, list[dict[str, Any]]] = field(default_factory=dict)

    def without(self, keys: Collection[Key]) -> Stored:
        """The same without some of the definitions; pinned versions stay."""
        return Stored(
            {key: row for key, row in self.current.items() if key not in keys},
            self.pinned,
            {key: findings for key, findings in self.broken.items() if key not in keys},
        )


async def load_stored(session: AsyncSession, tenant: str, uses: Iterable[str] = ()) -> Stored:
    """What the tenant has, with the versions that `uses` choose as well: those of documents to be judged."""
    current = {(row.kind, row.name): row for row in await current_definitions(session, tenant)}
    wanted = pins_of(uses).union(*(pins_of(row.uses) for row in current.values()))
    pinned = await load_pinned(session, tenant, wanted)
    broken = {(row.kind, row.name): row.findings or [] for row in await broken_definitions(session, tenant)}
    return Stored(current, pinned, broken)


async def load_pinned(
    session: AsyncSession, tenant: str, references: Collection[str], *, known: Collection[str] = ()
) -> dict[str, DefinitionVersionRow]:
    """The versions that these references choose, and what those refer to in turn; not the known ones."""
    pinned: dict[str, DefinitionVersionRow] = {}
    seen, wanted = set(known), set(references) - set(known)
    while wanted:
        seen |= wanted
        found = await pinned_versions(session, tenant, wanted)
        pinned |= found
        wanted = set().union(*(pins_of(row.uses) for row in found.values())) - seen
    return pinned
