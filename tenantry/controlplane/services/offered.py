"""Versions of workflows that callers may choose: the newest few of each, and labelled ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenantry.controlplane.services.stored import load_pinned
from tenantry.controlplane.services.uses import WORKFLOW, pins_of
from tenantry.controlplane.store.labels import list_labels_of_kind
from tenantry.controlplane.store.pins import document_sizes, find_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.ext.asyncio import AsyncSession

    from tenantry.controlplane.services.stored import Stored
    from tenantry.controlplane.store.pins import Numbered
    from tenantry.controlplane.store.tables import DefinitionVersionRow

NEWEST: Final = 5
"""Versions of a workflow that are offered without a label, the current one included."""

MAX_BYTES: Final = 16 * 1024 * 1024
"""Documents of a tenant's versions that are neither current nor labelled nor referred to."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What a bundle carries beside the current versions.

    Attributes:
        older: versions of workflows that are not current, each once, by name and version.
        references: the version that each reference with a selector means.
        labels: the version that each label means to callers, as `name@label`.
    """

    older: list[DefinitionVersionRow]
    references: dict[str, int]
    labels: dict[str, int]


async def load_offered(session: AsyncSession, tenant: str, stored: Stored) -> Offered:
    """What callers may choose, and what that refers to at any distance.

    Args:
        session: the transaction that `stored` was loaded in.
        tenant: whose.
        stored: what the tenant has.
    """
    labelled = await list_labels_of_kind(session, tenant, WORKFLOW)
    recent = _recent(stored)
    sizes = await document_sizes(session, tenant, recent)
    wanted = {(row.name, row.version) for row in labelled} | set(_that_fit(recent, sizes))
    rows = await find_versions(session, tenant, wanted)
    pinned = stored.pinned | await load_pinned(
        session, tenant, _pins(rows.values()), known=stored.pinned.keys()
    )
    current = {(name, row.version) for (kind, name), row in stored.current.items() if kind == WORKFLOW}
    carried = rows | {(row.name, row.version): row for row in pinned.values()}
    return Offered(
        older=[carried[version] for version in sorted(carried.keys() - current)],
        references={reference: row.version for reference, row in sorted(pinned.items())},
        labels={f"{row.name}@{row.label}": row.version for row in labelled},
    )


def _recent(stored: Stored) -> list[Numbered]:
    """The versions before the current ones, those next to them first. Versions are numbered without gaps."""
    workflows = [(name, row.version) for (kind, name), row in stored.current.items() if kind == WORKFLOW]
    return [(name, version - age) for age in range(1, NEWEST) for name, version in workflows if version > age]


def _that_fit(versions: Iterable[Numbered], sizes: Mapping[Numbered, int]) -> Iterable[Numbered]:
    total = 0
    for version in versions:
        total += sizes.get(version, 0)
        if total > MAX_BYTES:
            return
        yield version


def _pins(rows: Iterable[DefinitionVersionRow]) -> set[str]:
    return set().union(*(pins_of(row.uses) for row in rows))
