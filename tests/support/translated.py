"""The folder `examples/translated/` as values: workflows of other systems, and what they promise to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace
from ruamel.yaml import YAML

from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.documents.reading import read
from tenantry.language.graph.actions import workflow_refs
from tenantry.language.validation import Library
from tenantry.language.validation.library import workflow_key
from tests.support.dataplane import served_bundle
from tests.support.examples import FOLDER, read_for
from tests.support.tenants import bundled

if TYPE_CHECKING:
    from pathlib import Path

    from tenantry.language.documents.document import Document
    from tenantry.protocol.bundles import Bundle, BundledDefinition

TRANSLATED: Final = FOLDER / "translated"
SHARED: Final = "tasks"
_ID: Final = re.compile(r"/[a-z]{3}_[0-9]{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslatedRun:
    """One entry of a `<name>.runs.yaml`.

    Attributes:
        answer: the JSON that is promised, of objects only the members named; `None` when nothing is.
        body: the answer's text, when that is promised.
        headers: some of the answer's.
        effects: every POST that reaches the test API, such as `POST /payments 201`, in any order.
    """

    input: Any
    status: int = 200
    answer: Any = None
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslatedExample:
    """A file of a system's folder; the first workflow in it is the one that is run."""

    system: str
    path: Path
    runs: tuple[TranslatedRun, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The workflow's document."""
        documents = parse_documents(self.path.read_text(), self.path.name).documents
        return next(document.raw for document in documents if document.kind == "Workflow")

    @property
    def workflow(self) -> str:
        """The workflow's name."""
        name: str = self.document["metadata"]["name"]
        return name

    def __str__(self) -> str:
        """Names the example in test reports."""
        return f"{self.system}/{self.path.stem}"


def systems() -> list[str]:
    """The systems translated from, each a folder."""
    return sorted(path.name for path in TRANSLATED.iterdir() if path.is_dir() and path.name != SHARED)


@cache
def bundle_of(system: str, test_api: str) -> Bundle:
    """A tenant with every workflow of a system, on the test API at that address."""
    names = {item.name for item in _bundled(_earlier(system), test_api)}
    current = [
        replace(item, version=2) if item.name in names else item
        for item in _bundled([*_documents(SHARED), *_documents(system)], test_api)
    ]
    return replace(
        served_bundle(),
        definitions=tuple(current),
        pinned=tuple(_bundled(_earlier(system), test_api)),
        references=_versions(system),
    )


@cache
def library_of(system: str) -> Library:
    """Everything of a system, each workflow also under the selectors it is referred to by."""
    found = documents_of(system)
    tasks = [read(document, WorkflowTask)[0] for document in found if document.kind == "WorkflowTask"]
    workflows = _workflows(_documents(system))
    earlier = _workflows(_earlier(system))
    for reference, version in _versions(system).items():
        name = reference.partition("@")[0]
        workflows[reference] = earlier[name] if version == 1 and name in earlier else workflows[name]
    return Library(tasks={task.name: task for task in tasks if task is not None}, workflows=workflows)


def documents_of(system: str) -> list[Document]:
    """Every document of a system in its current version, the tasks all systems share first."""
    return _parsed([*_documents(SHARED), *_documents(system)])


def earlier_documents_of(system: str) -> list[Document]:
    """The first versions of workflows that have another one by now."""
    return _parsed(_earlier(system))


def translated_examples(*only: str) -> list[TranslatedExample]:
    """Every translated workflow of every system, or of some."""
    return [
        TranslatedExample(system=system, path=path, runs=_runs(path))
        for system in only or systems()
        for path in _documents(system)
    ]


def effect(entry: dict[str, Any]) -> str:
    """An entry of the test API's journal, with `{id}` where its path has the number of a record."""
    return f"{entry['method']} {_ID.sub('/{id}', entry['path'])} {entry['status']}"


def _documents(folder: str) -> list[Path]:
    return sorted(path for path in (TRANSLATED / folder).glob("*.yaml") if len(path.suffixes) == 1)


def _earlier(system: str) -> list[Path]:
    return sorted((TRANSLATED / system).glob("*.v1.yaml"))


def _versions(system: str) -> dict[str, int]:
    """The version that each reference with a selector means: a label means the current one."""
    earlier, current = _workflows(_earlier(system)), _workflows(_documents(system))
    found: dict[str, int] = {}
    for workflow in current.values():
        for reference in workflow_refs(workflow.spec.tasks):
            key = workflow_key(reference, workflow.metadata.namespace)
            name, _, selector = key.partition("@")
            if selector:
                found[key] = 1 if selector == "v1" or name not in earlier else 2
    return found


def _parsed(paths: list[Path]) -> list[Document]:
    texts = [(path.read_text(), path.name) for path in paths]
    return [document for text, name in texts for document in parse_documents(text, name).documents]


def _workflows(paths: list[Path]) -> dict[str, Workflow]:
    found = [read(document, Workflow)[0] for document in _parsed(paths) if document.kind == "Workflow"]
    return {workflow.name: workflow for workflow in found if workflow is not None}


def _bundled(paths: list[Path], test_api: str) -> list[BundledDefinition]:
    return list(bundled("\n---\n".join(read_for(path, test_api) for path in paths)))


def _runs(path: Path) -> tuple[TranslatedRun, ...]:
    return tuple(TranslatedRun(**run) for run in YAML(typ="safe").load(path.with_suffix(".runs.yaml")))
