"""Definitions: applied all or nothing, versioned, read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenantry.controlplane.services.access import require, transaction
from tenantry.controlplane.services.admission import (
    content_digest,
    has_errors,
    judge_definitions,
    read_definitions,
)
from tenantry.controlplane.services.errors import NotFoundError, RejectedError
from tenantry.controlplane.services.pages import Page, check_page_size, to_page
from tenantry.controlplane.services.turns import Turns
from tenantry.controlplane.store.definitions import (
    add_versions,
    current_definitions,
    find_definition,
    list_definitions,
    list_versions,
)
from tenantry.controlplane.store.tables import DefinitionVersionRow
from tenantry.controlplane.store.tenants import find_tenant
from tenantry.tenants.roles import Permission
from tenantry.tenants.spec import TenantSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from tenantry.controlplane.services.admission import Key
    from tenantry.controlplane.services.changes import Change, TenantChanges
    from tenantry.controlplane.store.database import Database
    from tenantry.controlplane.store.tables import TenantRow
    from tenantry.language.documents.document import Document
    from tenantry.language.findings import Finding
    from tenantry.tenants.roles import Principal

MAX_WAITING_APPLIES: Final = 4
"""Of one tenant. Reading and judging a large text takes a thread for seconds, and threads are few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedDefinition:
    """What applying did, or in a dry run would do, to one definition."""

    kind: str
    name: str
    version: int
    digest: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying did, in the order of the text, and the warnings of validation."""

    definitions: tuple[AppliedDefinition, ...]
    findings: tuple[Finding, ...]


class Definitions:
    """The use cases around workflows and tasks."""

    def __init__(self, database: Database, changes: TenantChanges) -> None:
        self._database, self._changes = database, changes
        self._turns = Turns("definitions.busy", max_waiting=MAX_WAITING_APPLIES)

    async def apply(self, actor: Principal, tenant: str, text: str, *, is_dry_run: bool = False) -> Applied:
        """Makes a new version of every definition of the text that differs from the tenant's current one.

        All or nothing: one error keeps everything as it was. A dry run answers the same and writes nothing.

        Raises:
            RejectedError: validation says no.
            NotFoundError: there is no such tenant.
            BusyError: too many applies of the tenant wait already.
        """
        require(actor, Permission.APPLY_DEFINITIONS, tenant)
        async with self._turns.take(tenant):
            return await self._apply(actor, tenant, text, is_dry_run=is_dry_run)

    async def _apply(self, actor: Principal, tenant: str, text: str, *, is_dry_run: bool) -> Applied:
        documents, findings = await asyncio.to_thread(read_definitions, text)
        if is_dry_run:
            async with transaction(self._database, actor, tenant) as session:
                row = await _existing(session, tenant)
                return await _plan(session, row, documents, findings)
        async with self._changes.open(actor, tenant) as change:
            applied = await _plan(change.session, change.tenant, documents, findings)
            await _write(change, documents, applied)
            return applied

    async def page(
        self,
        actor: Principal,
        tenant: str,
        *,
        kind: str | None = None,
        first: int,
        after: Key = ("", ""),
    ) -> Page[DefinitionVersionRow]:
        """The current versions of the tenant's definitions by kind and name."""
        require(actor, Permission.READ_DEFINITIONS, tenant)
        limit = check_page_size(first)
        async with transaction(self._database, actor, tenant) as session:
            await _existing(session, tenant)
            rows = await list_definitions(session, tenant, kind=kind, after=after, limit=limit)
        return to_page(rows, first)

    async def get(
        self, actor: Principal, tenant: str, kind: str, name: str, version: int | None = None
    ) -> DefinitionVersionRow:
        """One version of a definition, the current one when none is named.

        Raises:
            NotFoundError: there is no such tenant, definition or version.
        """
        require(actor, Permission.READ_DEFINITIONS, tenant)
        async with transaction(self._database, actor, tenant) as session:
            await _existing(session, tenant)
            row = await find_definition(session, tenant, kind, name, version)
        if row is None:
            label = f"{kind}/{name}" if version is None else f"{kind}/{name}@{version}"
            raise NotFoundError("definition", label, field="name")
        return row

    async def versions(
        self,
        actor: Principal,
        tenant: str,
        kind: str,
        name: str,
        *,
        first: int,
        before: int | None = None,
    ) -> Page[DefinitionVersionRow]:
        """The versions of a definition, newest first."""
        require(actor, Permission.READ_DEFINITIONS, tenant)
        limit = check_page_size(first)
        async with transaction(self._database, actor, tenant) as session:
            await _existing(session, tenant)
            rows = await list_versions(session, tenant, kind, name, before=before, limit=limit)
        return to_page(rows, first)


async def _existing(session: AsyncSession, tenant: str) -> TenantRow:
    row = await find_tenant(session, tenant)
    if row is None:
        raise NotFoundError("tenant", tenant, field="tenant")
    return row


async def _plan(
    session: AsyncSession,
    tenant: TenantRow,
    documents: Sequence[Document],
    findings: tuple[Finding, ...],
) -> Applied:
    rows = {(row.kind, row.name): row for row in await current_definitions(session, tenant.tenant)}
    stored = {key: row.document for key, row in rows.items()}
    spec = TenantSpec.model_validate(tenant.document["spec"])
    findings += await asyncio.to_thread(judge_definitions, documents, stored, spec)
    if has_errors(findings):
        raise RejectedError(findings)
    definitions = tuple(
        _next_version(document, rows.get((document.kind, document.name))) for document in documents
    )
    return Applied(definitions, findings)


def _next_version(document: Document, current: DefinitionVersionRow | None) -> AppliedDefinition:
    digest = content_digest(document.raw)
    changed = current is None or current.digest != digest
    return AppliedDefinition(
        kind=document.kind,
        name=document.name,
        version=(current.version if current else 0) + changed,
        digest=digest,
        changed=changed,
    )


async def _write(change: Change, documents: Sequence[Document], applied: Applied) -> None:
    versions = [
        DefinitionVersionRow(
            tenant=change.tenant.tenant,
            kind=definition.kind,
            name=definition.name,
            version=definition.version,
            digest=definition.digest,
            document=document.raw,
            author=change.actor.key_id,
            created_at=change.now,
        )
        for document, definition in zip(documents, applied.definitions, strict=True)
        if definition.changed
    ]
    await add_versions(change.session, versions)
    for row in versions:
        target = f"{row.kind}/{row.name}"
        change.record("definition.apply", target, version=row.version, digest=row.digest)
