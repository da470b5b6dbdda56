"""What a bundle holds of definitions, by name, by version and by what a reference means. Plans read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tenantry.protocol.bundles import Bundle, BundledDefinition

HASH: Final = "sha256:"


class Contents:
    """The definitions of one revision of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self._current = {(item.kind, item.name): item for item in bundle.definitions}
        self._versions: dict[str, dict[int, BundledDefinition]] = {}
        for item in (*bundle.pinned, *bundle.definitions):
            if item.kind == "Workflow":
                self._versions.setdefault(item.name, {})[item.version] = item
        self._references, self._labels = bundle.references, bundle.labels

    def current(self, kind: str, name: str) -> BundledDefinition | None:
        """The current version of a definition."""
        return self._current.get((kind, name))

    def of_kind(self, kind: str) -> list[BundledDefinition]:
        """The current versions of all definitions of a kind, by name."""
        found = [item for item in self._current.values() if item.kind == kind]
        return sorted(found, key=lambda item: item.name)

    def versions(self, workflow: str) -> list[BundledDefinition]:
        """The versions of a workflow that are here, the newest first."""
        versions = self._versions.get(workflow, {})
        return [versions[number] for number in sorted(versions, reverse=True)]

    def labels(self, workflow: str) -> dict[str, int]:
        """The version by label of a workflow."""
        prefix = f"{workflow}@"
        return {
            key.removeprefix(prefix): version
            for key, version in self._labels.items()
            if key.startswith(prefix)
        }

    def chosen(self, workflow: str, selector: str) -> BundledDefinition | None:
        """The version of a workflow that a caller chooses.

        Args:
            workflow: its name in the tenant.
            selector: a number (`v2` or `2`), a label, `sha256:` and the first digits of a hash, or nothing
                for the current version.
        """
        if not selector:
            return self.current("Workflow", workflow)
        versions = self._versions.get(workflow, {})
        if selector.startswith(HASH):
            return _of_hash(versions, selector.removeprefix(HASH))
        number = selector.removeprefix("v")
        if number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS:
            return versions.get(int(number))
        return versions.get(self._labels.get(f"{workflow}@{selector}", 0))

    def called(self, reference: str) -> BundledDefinition | None:
        """The workflow that a reference means, written with its namespace, if any."""
        name, _, selector = reference.partition("@")
        if not selector:
            return self.current("Workflow", name)
        return self._versions.get(name, {}).get(self._references.get(reference, 0))

    def digests(self) -> frozenset[str]:
        """Of every document."""
        workflows = (item for versions in self._versions.values() for item in versions.values())
        return frozenset(item.digest for item in (*self._current.values(), *workflows))


_MAX_DIGITS: Final = 9
_MIN_HASH_DIGITS: Final = 12
"""As in references (`language.documents.words`)."""


def _of_hash(versions: dict[int, BundledDefinition], digits: str) -> BundledDefinition | None:
    """The oldest that is here: what a hash means does not change with later versions of the same content."""
    if len(digits) < _MIN_HASH_DIGITS:
        return None
    found = (number for number in sorted(versions) if versions[number].digest.startswith(digits))
    return versions.get(next(found, 0))
