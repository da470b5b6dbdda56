"""What a change does to the stored workflows it concerns: they are judged again as if it were made. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.controlplane.services.uses import WORKFLOW, used_by, users_of
from tenantry.language.codes import Code
from tenantry.language.documents.parsing import load_document
from tenantry.language.findings import Severity
from tenantry.language.validation import validate_workflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenantry.controlplane.services.stored import Key, Stored
    from tenantry.controlplane.store.tables import DefinitionVersionRow
    from tenantry.language.findings import Finding
    from tenantry.language.validation import Library


def is_forceable(error: Finding) -> bool:
    """Whether a workflow with the error still runs, up to where it is wrong: then a change may be forced."""
    return error.code == Code.UNKNOWN_PATH or error.code.startswith("WF3")


class Impact:
    """The stored workflows under a change.

    Everything here is called as uses are written: `Kind/name`, and `Workflow/name@selector` for a version
    that is referred to so.

    Args:
        stored: what stays as it is.
        uses: what takes the place of something or is added, with what it uses.
        library: what there will be.
    """

    def __init__(self, stored: Stored, uses: Mapping[str, list[str]], library: Library) -> None:
        self._library = library
        self._broken = {f"{kind}/{name}" for kind, name in stored.broken}
        pinned = {f"{WORKFLOW}/{reference}": row for reference, row in stored.pinned.items()}
        self.rows = {f"{kind}/{name}": row for (kind, name), row in stored.current.items()} | pinned
        self._uses = {use: row.uses for use, row in self.rows.items()} | dict(uses)
        self._errors: dict[tuple[str, int], tuple[Finding, ...]] = {}

    def concerned(self, changed: Iterable[str]) -> set[str]:
        """Those that use what changes, at any distance, and the older versions that it uses itself."""
        changed = set(changed)
        pins = {use for use in used_by(changed, self._uses) | changed if "@" in use}
        return {use for use in self.users(changed) | pins if use in self.rows}

    def errors(self, use: str) -> tuple[Finding, ...]:
        """What will be wrong with a workflow."""
        row = self.rows[use]
        version = (row.name, row.version)
        if version not in self._errors:
            self._errors[version] = self._judge(use, row)
        return self._errors[version]

    def users(self, changed: Iterable[str]) -> set[str]:
        """Everything that uses one of these, at any distance."""
        return users_of(changed, self._uses)

    def affected(self, use: str) -> set[str]:
        """The current workflows that fail when this one does."""
        return {use} if "@" not in use else {user for user in self.users({use}) if "@" not in user}

    def left_broken(self, concerned: Iterable[str]) -> dict[Key, tuple[Finding, ...]]:
        """What is wrong with each current workflow, by kind and name; an empty tuple when nothing is."""
        left: dict[Key, tuple[Finding, ...]] = {}
        for use in sorted(concerned):
            for affected in self.affected(use):
                kind, _, name = affected.partition("/")
                left[kind, name] = left.get((kind, name), ()) + self.errors(use)
        return left

    def refusals(self, use: str) -> tuple[Finding, ...]:
        """The errors of a workflow that refuse the change.

        When all that fails with it fails already, by an earlier forced change, these are only the errors that
        would keep it from running at all.
        """
        errors = self.errors(use)
        if self.affected(use) <= self._broken:
            return tuple(error for error in errors if not is_forceable(error))
        return errors

    def _judge(self, use: str, row: DefinitionVersionRow) -> tuple[Finding, ...]:
        document = load_document(row.document, source=f"stored {use}")
        findings = validate_workflow(document, self._library)[1]
        return tuple(finding for finding in findings if finding.severity is Severity.ERROR)
