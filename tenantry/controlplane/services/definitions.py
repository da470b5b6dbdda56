"""Definitions: applied all or nothing, versioned, read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from tenantry.controlplane.services.access import require, transaction
from tenantry.controlplane.services.admission import (
    changed_marks,
    content_digest,
    has_errors,
    judge_definitions,
    read_definitions,
)
from tenantry.controlplane.services.errors import NotFoundError, RejectedError
from tenantry.controlplane.services.pages import Page, check_page_size, to_page
from tenantry.controlplane.services.stored import load_stored
from tenantry.controlplane.services.turns import Turns
from tenantry.controlplane.store.definitions import (
    add_versions,
    broken_definitions,
    find_definition,
    list_definitions,
    list_versions,
    mark_broken,
)
from tenantry.controlplane.store.tables import DefinitionVersionRow
from tenantry.controlplane.store.tenants import find_tenant
from tenantry.language.findings import Finding
from tenantry.tenants.roles import Permission
from tenantry.tenants.spec import TenantSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from tenantry.controlplane.services.admission import Submitted
    from tenantry.controlplane.services.changes import Change, TenantChanges
    from tenantry.controlplane.services.stored import Key
    from tenantry.controlplane.store.database import Database
    from tenantry.controlplane.store.tables import TenantRow
    from tenantry.language.documents.document import Document
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


class BrokenDefinition(NamedTuple):
    """The version of a definition that was current when forced changes broke it, and the errors it has."""

    version: int
    findings: tuple[Finding, ...]


SOUND: Final = BrokenDefinition(0, ())
"""A definition that no forced change broke."""


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

    async def apply(
        self, actor: Principal, tenant: str, text: str, *, is_dry_run: bool = False, is_forced: bool = False
    ) -> Applied:
        """Makes a new version of every definition of the text that differs from the tenant's current one.

        All or nothing: one error keeps everything as it was. A dry run answers the same and writes nothing.

        Args:
            actor: who asks.
            tenant: whose definitions.
            text: documents in YAML or JSON.
            is_dry_run: nothing is to be written.
            is_forced: stored workflows may stop being valid; they are marked, and the audit log says by whom.

        Raises:
            RejectedError: validation says no.
            NotFoundError: there is no such tenant.
            BusyError: too many applies of the tenant wait already.
        """
        require(actor, Permission.APPLY_DEFINITIONS, tenant)
        async with self._turns.take(tenant):
            submitted = await asyncio.to_thread(read_definitions, text)
            if is_dry_run:
                async with transaction(self._database, actor, tenant) as session:
                    row = await _existing(session, tenant)
                    return (await _plan(session, row, submitted, is_forced=is_forced)).applied
            async with self._changes.open(actor, tenant) as change:
                plan = await _plan(change.session, change.tenant, submitted, is_forced=is_forced)
                await _write(change, submitted.documents, plan)
                return plan.applied

    async def page(
        self,
        actor: Principal,
        tenant: str,
        *,
        kind: str | None = None,
        broken: bool | None = None,
        first: int,
        after: Key = ("", ""),
    ) -> Page[DefinitionVersionRow]:
        """The current versions of the tenant's definitions by kind and name; see `list_definitions`."""
        require(actor, Permission.READ_DEFINITIONS, tenant)
        limit = check_page_size(first)
        async with transaction(self._database, actor, tenant) as session:
            await _existing(session, tenant)
            rows = await list_definitions(session, tenant, kind=kind, broken=broken, after=after, limit=limit)
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

    async def broken(self, actor: Principal, tenant: str) -> dict[Key, BrokenDefinition]:
        """The tenant's definitions that forced changes broke, by kind and name."""
        require(actor, Permission.READ_DEFINITIONS, tenant)
        async with transaction(self._database, actor, tenant) as session:
            rows = await broken_definitions(session, tenant)
        return {
            (row.kind, row.name): BrokenDefinition(
                row.version, tuple(msgspec.convert(row.findings, list[Finding]))
            )
            for row in rows
        }


async def _existing(session: AsyncSession, tenant: str) -> TenantRow:
    row = await find_tenant(session, tenant)
    if row is None:
        raise NotFoundError("tenant", tenant, field="tenant")
    return row


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done. `broken` is what changes of the marks of workflows, `breaks` what was forced."""

    applied: Applied
    uses: dict[str, list[str]]
    broken: dict[Key, list[dict[str, Any]]]
    breaks: list[str]


async def _plan(session: AsyncSession, tenant: TenantRow, submitted: Submitted, *, is_forced: bool) -> _Plan:
    stored = await load_stored(session, tenant.tenant, chain.from_iterable(submitted.uses.values()))
    spec = TenantSpec.model_validate(tenant.document["spec"])
    judgement = await asyncio.to_thread(judge_definitions, submitted, stored, spec)
    findings = judgement.findings + judgement.breaks
    if has_errors(judgement.findings if is_forced else findings):
        raise RejectedError(findings)
    definitions = tuple(
        _next_version(document, stored.current.get((document.kind, document.name)))
        for document in submitted.documents
    )
    broken = changed_marks(stored, judgement)
    breaks = [name for (_, name), found in broken.items() if found] if judgement.breaks else []
    return _Plan(Applied(definitions, findings), submitted.uses, broken, breaks)


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


async def _write(change: Change, documents: Sequence[Document], plan: _Plan) -> None:
    versions = [
        DefinitionVersionRow(
            tenant=change.tenant.tenant,
            kind=definition.kind,
            name=definition.name,
            version=definition.version,
            digest=definition.digest,
            document=document.raw,
            uses=plan.uses.get(document.label, []),
            author=change.actor.key_id,
            created_at=change.now,
        )
        for document, definition in zip(documents, plan.applied.definitions, strict=True)
        if definition.changed
    ]
    await add_versions(change.session, versions)
    await mark_broken(change.session, change.tenant.tenant, plan.broken)
    forced = {"forced": plan.breaks} if plan.breaks else {}
    for row in versions:
        target = f"{row.kind}/{row.name}"
        change.record("definition.apply", target, version=row.version, digest=row.digest, **forced)
