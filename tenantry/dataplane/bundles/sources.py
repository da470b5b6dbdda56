"""The source of a plan: everything its workflow is made of, as text, and nothing else of its tenant.

An execution is pinned to its plan. Whoever goes on with it may serve another revision of the bundle by then,
or none at all, and compiles the very same plan from its source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from tenantry.protocol.bundles import Bundle

if TYPE_CHECKING:
    from tenantry.protocol.bundles import BundledDefinition


class SourceContent(msgspec.Struct, frozen=True, kw_only=True):
    """What a source says: the workflow's name and version, and a bundle with no more than it takes."""

    workflow: str
    version: int
    bundle: Bundle


@dataclass(slots=True)
class Parts:
    """The definitions a workflow is made of, gathered from the top.

    Attributes:
        current: those that are used without saying which version, by kind and name.
        pinned: the workflow itself, and those that references choose, by name and version.
        references: the version that each of these references means.
    """

    current: dict[tuple[str, str], BundledDefinition] = field(default_factory=dict)
    pinned: dict[tuple[str, int], BundledDefinition] = field(default_factory=dict)
    references: dict[str, int] = field(default_factory=dict)

    def add(self, reference: str, definition: BundledDefinition) -> None:
        """Notes what a reference means, written with its namespace and selector, if any."""
        if "@" in reference:
            self.references[reference] = definition.version
            self.pinned[definition.name, definition.version] = definition
        else:
            self.current[definition.kind, definition.name] = definition

    def encode(self, workflow: BundledDefinition) -> str:
        """The source's content. It is of no tenant: equal plans have the same everywhere."""
        current = {(item.name, item.version) for item in self.current.values() if item.kind == "Workflow"}
        pinned = {**self.pinned, (workflow.name, workflow.version): workflow}
        bundle = Bundle(
            tenant="",
            revision=0,
            spec={},
            definitions=tuple(self.current[key] for key in sorted(self.current)),
            pinned=tuple(pinned[key] for key in sorted(pinned.keys() - current)),
            references=dict(sorted(self.references.items())),
        )
        content = SourceContent(workflow=workflow.name, version=workflow.version, bundle=bundle)
        return msgspec.json.encode(content).decode()


def decode_source(content: str) -> SourceContent:
    """Reads what `Parts.encode` wrote.

    Raises:
        ValueError: it is no such text.
    """
    return msgspec.json.decode(content, type=SourceContent)
