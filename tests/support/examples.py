"""The folder `examples/` as values: its tenants, their documents, and the runs that promise an answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

FOLDER: Final = Path(__file__).parents[2] / "examples"
TEST_API: Final = "127.0.0.1:8082"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRun:
    """One file of a tenant's `runs/`. `answer` holds the members of the answer that are promised."""

    tenant: str
    name: str
    workflow: str
    input: dict[str, Any]
    status: int
    answer: dict[str, Any]

    def __str__(self) -> str:
        """Names the run in test reports."""
        return f"{self.tenant}/{self.name}"


def tenant_names() -> list[str]:
    """The tenants, each a folder."""
    return sorted(path.parent.name for path in FOLDER.glob("*/tenant.yaml"))


def document_files(tenant: str) -> list[Path]:
    """Every document of a tenant, its own spec first."""
    folder = FOLDER / tenant
    return [
        folder / "tenant.yaml",
        *sorted(folder.glob("tasks/*.yaml")),
        *sorted(folder.glob("workflows/*.yaml")),
    ]


def read_for(path: Path, test_api: str) -> str:
    """A document's text, with the test API at that host and port, as `make run` moves it."""
    return path.read_text().replace(TEST_API, test_api)


def example_runs() -> list[ExampleRun]:
    """Every run of every tenant."""
    return [
        ExampleRun(tenant=tenant, name=path.stem, **YAML(typ="safe").load(path))
        for tenant in tenant_names()
        for path in sorted((FOLDER / tenant / "runs").glob("*.yaml"))
    ]


def promised_part(promised: Any, actual: Any) -> Any:
    """What of an answer was promised: the actual values of the promised members, deeply; else all of it."""
    if isinstance(promised, dict) and isinstance(actual, dict):
        return {
            name: promised_part(value, actual[name]) for name, value in promised.items() if name in actual
        }
    if isinstance(promised, list) and isinstance(actual, list) and len(promised) == len(actual):
        return [promised_part(*pair) for pair in zip(promised, actual, strict=True)]
    return actual
