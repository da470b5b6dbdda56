"""Queries on pinned versions: what references such as `billing/invoice@stable` mean at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from sqlalchemy import ARRAY, Integer, String, Text, and_, any_, cast, func, literal
from sqlmodel import col, select

from tenantry.controlplane.store.labels import list_labels
from tenantry.controlplane.store.tables import DefinitionVersionRow
from tenantry.language.documents.words import parse_workflow_reference

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncSession

Version = DefinitionVersionRow

Numbered: TypeAlias = tuple[str, int]
"""A workflow's name and a version's number."""

StatementT = TypeVar("StatementT", bound="Select[*tuple[Any, ...]]")

WORKFLOW: Final = "Workflow"
HASH: Final = "sha256:"

_PREFIX_LENGTH: Final = 12
"""Digits of a hash that a reference has at least."""


async def pinned_versions(
    session: AsyncSession, tenant: str, references: Collection[str]
) -> dict[str, Version]:
    """The versions that references with a selector mean, by reference; one that means nothing is missing.

    Args:
        session: a transaction.
        tenant: whose.
        references: valid ones, each with its namespace, if any, and a selector.
    """
    numbers = await _numbers(session, tenant, references)
    rows = await find_versions(session, tenant, set(numbers.values()))
    return {reference: rows[pair] for reference, pair in numbers.items() if pair in rows}


async def find_versions(
    session: AsyncSession, tenant: str, versions: Collection[Numbered]
) -> dict[Numbered, Version]:
    """These versions of workflows; one that does not exist is missing."""
    statement = _among(select(Version), tenant, versions)
    return {(row.name, row.version): row for row in await session.scalars(statement)}


async def document_sizes(
    session: AsyncSession, tenant: str, versions: Collection[Numbered]
) -> dict[Numbered, int]:
    """The bytes that the documents of these versions of workflows have as JSON."""
    size = func.octet_length(cast(col(Version.document), Text))
    statement = _among(select(Version.name, Version.version, size), tenant, versions)
    return {(name, version): found for name, version, found in await session.execute(statement)}


def _among(statement: StatementT, tenant: str, versions: Collection[Numbered]) -> StatementT:
    """The statement, with rows of these versions only."""
    wanted = (
        func.unnest(
            literal([name for name, _ in versions], ARRAY(String)),
            literal([version for _, version in versions], ARRAY(Integer)),
        )
        .table_valued("name", "version")
        .render_derived()
    )
    matches = and_(col(Version.name) == wanted.c.name, col(Version.version) == wanted.c.version)
    return statement.join(wanted, matches).where(col(Version.tenant) == tenant, col(Version.kind) == WORKFLOW)


async def _numbers(
    session: AsyncSession, tenant: str, references: Collection[str]
) -> dict[str, tuple[str, int]]:
    """Name and version by reference."""
    numbers: dict[str, tuple[str, int]] = {}
    hashed: dict[str, tuple[str, str]] = {}
    labelled: dict[str, tuple[str, str]] = {}
    for reference in references:
        named = parse_workflow_reference(reference)
        name, selector = named.key(None), named.selector or ""
        if selector.startswith(HASH):
            hashed[reference] = name, selector.removeprefix(HASH)
        elif is_version(selector):
            numbers[reference] = name, int(selector[1:])
        else:
            labelled[reference] = name, selector
    return numbers | await _of_hashes(session, tenant, hashed) | await _of_labels(session, tenant, labelled)


def is_version(selector: str) -> bool:
    """Whether a selector is a version's number, such as `v2`; a label never looks like that."""
    return selector.startswith("v") and selector[1:].isdigit()


async def _of_hashes(
    session: AsyncSession, tenant: str, hashed: dict[str, tuple[str, str]]
) -> dict[str, tuple[str, int]]:
    """The oldest version whose digest begins so: what a reference by hash means never changes."""
    if not hashed:
        return {}
    names = list({name for name, _ in hashed.values()})
    prefixes = list({digits[:_PREFIX_LENGTH] for _, digits in hashed.values()})
    statement = (
        select(Version.name, Version.version, Version.digest)
        .where(
            col(Version.tenant) == tenant,
            col(Version.kind) == WORKFLOW,
            col(Version.name) == any_(literal(names, ARRAY(String))),
            func.left(col(Version.digest), _PREFIX_LENGTH) == any_(literal(prefixes, ARRAY(String))),
        )
        .order_by(col(Version.version).desc())
    )
    rows = (await session.execute(statement)).all()
    return {
        reference: (name, version)
        for reference, (wanted, digits) in hashed.items()
        for name, version, digest in rows
        if name == wanted and digest.startswith(digits)
    }


async def _of_labels(
    session: AsyncSession, tenant: str, labelled: dict[str, tuple[str, str]]
) -> dict[str, tuple[str, int]]:
    if not labelled:
        return {}
    rows = await list_labels(session, tenant, {name for name, _ in labelled.values()})
    versions = {(row.name, row.label): row.version for row in rows if row.kind == WORKFLOW}
    return {
        reference: (name, versions[name, label])
        for reference, (name, label) in labelled.items()
        if (name, label) in versions
    }
