"""The folder `examples/translated/` as values: workflows of other systems, and what they promise to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML

from tenantry.language.documents.parsing import parse_documents
from tests.support.examples import FOLDER, read_for

if TYPE_CHECKING:
    from pathlib import Path

    from tenantry.language.documents.document import Document

TRANSLATED: Final = FOLDER / "translated"
SHARED: Final = "tasks"
_RUNS: Final = ".runs.yaml"
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
    def workflow(self) -> str:
        """The workflow's name."""
        documents = parse_documents(self.path.read_text(), self.path.name).documents
        return next(document.name for document in documents if document.kind == "Workflow")

    def __str__(self) -> str:
        """Names the example in test reports."""
        return f"{self.system}/{self.path.stem}"


def systems() -> list[str]:
    """The systems translated from, each a folder."""
    return sorted(path.name for path in TRANSLATED.iterdir() if path.is_dir() and path.name != SHARED)


@cache
def text_of(system: str, test_api: str) -> str:
    """Every document of a system with the tasks all systems share, as one text."""
    return "\n---\n".join(read_for(path, test_api) for path in [*_documents(SHARED), *_documents(system)])


def documents_of(system: str) -> list[tuple[Path, Document]]:
    """Every document of a system, the tasks all systems share first, each with its file."""
    paths = [*_documents(SHARED), *_documents(system)]
    return [
        (path, document)
        for path in paths
        for document in parse_documents(path.read_text(), path.name).documents
    ]


def translated_examples() -> list[TranslatedExample]:
    """Every translated workflow of every system."""
    return [
        TranslatedExample(system=system, path=path, runs=_runs(path))
        for system in systems()
        for path in _documents(system)
    ]


def effect(entry: dict[str, Any]) -> str:
    """An entry of the test API's journal, with `{id}` where its path has the number of a record."""
    return f"{entry['method']} {_ID.sub('/{id}', entry['path'])} {entry['status']}"


def _documents(folder: str) -> list[Path]:
    return sorted(path for path in (TRANSLATED / folder).glob("*.yaml") if not path.name.endswith(_RUNS))


def _runs(path: Path) -> tuple[TranslatedRun, ...]:
    return tuple(TranslatedRun(**run) for run in YAML(typ="safe").load(path.with_name(path.stem + _RUNS)))
