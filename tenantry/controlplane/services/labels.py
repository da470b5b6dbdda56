"""Labels: names such as `stable` for versions of definitions, moved from one version to another."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from tenantry.controlplane.services.access import require, transaction
from tenantry.controlplane.services.admission import changed_marks, judge_label
from tenantry.controlplane.services.errors import InvalidInputError, NotFoundError, RejectedError
from tenantry.controlplane.services.stored import load_stored
from tenantry.controlplane.services.uses import WORKFLOW
from tenantry.controlplane.store.definitions import find_definition, mark_broken
from tenantry.controlplane.store.labels import Label, drop_label, find_label, list_labels, put_label
from tenantry.controlplane.store.pins import is_version
from tenantry.tenants.roles import Permission
from tenantry.tenants.spec import TenantSpec

if TYPE_CHECKING:
    from collections.abc import Collection

    from tenantry.controlplane.services.changes import Change, TenantChanges
    from tenantry.controlplane.store.database import Database
    from tenantry.controlplane.store.tables import DefinitionVersionRow
    from tenantry.tenants.roles import Principal

MAX_LABELS: Final = 20
"""Of one definition. Data planes hold every labelled version ready."""

_LABEL: Final = re.compile(r"[a-z][a-z0-9-]{0,61}[a-z0-9]")


class Labels:
    """The use cases around labels. One that workflows refer to means what they can work with."""

    def __init__(self, database: Database, changes: TenantChanges) -> None:
        self._database, self._changes = database, changes

    async def put(
        self, actor: Principal, tenant: str, kind: str, name: str, *, label: str, version: int
    ) -> DefinitionVersionRow:
        """Gives a version a label; whichever had it loses it. Repeating it changes nothing.

        Raises:
            InvalidInputError: that cannot be a label, or the definition has as many as it may.
            NotFoundError: there is no such tenant, definition or version.
            RejectedError: it would break stored workflows that refer to the label.
        """
        require(actor, Permission.APPLY_DEFINITIONS, tenant)
        _check(label)
        async with self._changes.open(actor, tenant) as change:
            row = await find_definition(change.session, tenant, kind, name, version)
            if row is None:
                raise NotFoundError("definition", f"{kind}/{name}@v{version}", field="version")
            former = await find_label(change.session, tenant, kind, name, label)
            if former is None:
                await _check_room(change, kind, name)
            if former is None or former.version != version:
                new = Label(tenant=tenant, kind=kind, name=name, label=label, version=version)
                await put_label(change.session, new)
                await self._record(change, new, "definition.label")
            return row

    async def remove(
        self, actor: Principal, tenant: str, kind: str, name: str, *, label: str
    ) -> DefinitionVersionRow:
        """Takes a label away and gives the current version. Without such a label nothing changes.

        Raises:
            NotFoundError: there is no such tenant or definition.
            RejectedError: stored workflows refer to the label.
        """
        require(actor, Permission.APPLY_DEFINITIONS, tenant)
        async with self._changes.open(actor, tenant) as change:
            row = await find_definition(change.session, tenant, kind, name, None)
            if row is None:
                raise NotFoundError("definition", f"{kind}/{name}", field="name")
            former = await find_label(change.session, tenant, kind, name, label)
            if former is not None:
                await drop_label(change.session, former)
                await self._record(change, former, "definition.unlabel")
            return row

    async def find(
        self, actor: Principal, tenant: str, names: Collection[str]
    ) -> dict[tuple[str, str], list[tuple[str, int]]]:
        """The labels of definitions of these names and the versions they mean, by kind and name."""
        require(actor, Permission.READ_DEFINITIONS, tenant)
        async with transaction(self._database, actor, tenant) as session:
            rows = await list_labels(session, tenant, names)
        found: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for row in rows:
            found.setdefault((row.kind, row.name), []).append((row.label, row.version))
        return found

    async def _record(self, change: Change, row: Label, action: str) -> None:
        """Notes the change that has been made, unless it breaks a stored workflow."""
        if row.kind == WORKFLOW:
            await _judge(change, f"{row.name}@{row.label}")
        change.record(action, f"{row.kind}/{row.name}", label=row.label, version=row.version)


async def _check_room(change: Change, kind: str, name: str) -> None:
    rows = await list_labels(change.session, change.tenant.tenant, {name})
    if sum(row.kind == kind for row in rows) >= MAX_LABELS:
        message = f"a definition has at most {MAX_LABELS} labels: move one, or take one away"
        raise InvalidInputError("label.too_many", message, field="label")


async def _judge(change: Change, reference: str) -> None:
    tenant = change.tenant
    stored = await load_stored(change.session, tenant.tenant)
    spec = TenantSpec.model_validate(tenant.document["spec"])
    judgement = await asyncio.to_thread(judge_label, reference, stored, spec)
    if judgement.breaks:
        raise RejectedError(judgement.breaks, field="label")
    await mark_broken(change.session, tenant.tenant, changed_marks(stored, judgement))


def _check(label: str) -> None:
    if _LABEL.fullmatch(label) is None or is_version(label):
        message = (
            "a label is a letter, then 1 to 62 letters, digits and dashes, in lower case, and not like v1"
        )
        raise InvalidInputError("label.invalid", message, field="label")
