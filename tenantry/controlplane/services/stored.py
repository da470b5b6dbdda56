"""What a tenant has stored, as admission judges it and bundles carry it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tenantry.controlplane.services.uses import WORKFLOW, pins_of
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

    def older(self) -> list[DefinitionVersionRow]:
        """The pinned versions that are not the current ones, each once, by name and version."""
        current = {(row.name, row.version) for (kind, _), row in self.current.items() if kind == WORKFLOW}
        pinned = {(row.name, row.version): row for row in self.pinned.values()}
        return [pinned[version] for version in sorted(pinned.keys() - current)]


async def load_stored(session: AsyncSession, tenant: str, uses: Iterable[str] = ()) -> Stored:
    """What the tenant has, with the versions that `uses` choose as well: those of documents to be judged."""
    current = {(row.kind, row.name): row for row in await current_definitions(session, tenant)}
    pinned: dict[str, DefinitionVersionRow] = {}
    known: set[str] = set()
    wanted = pins_of(uses).union(*(pins_of(row.uses) for row in current.values()))
    while wanted:
        known |= wanted
        found = await pinned_versions(session, tenant, wanted)
        pinned |= found
        wanted = set().union(*(pins_of(row.uses) for row in found.values())) - known
    broken = {(row.kind, row.name): row.findings or [] for row in await broken_definitions(session, tenant)}
    return Stored(current, pinned, broken)
