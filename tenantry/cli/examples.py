"""Examples: tenants with their tasks, workflows and runs, as they lie in a folder.

<tenant>/tenant.yaml  <tenant>/tasks/*.yaml  <tenant>/workflows/*.yaml  <tenant>/runs/*.yaml
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from tenantry.cli.failures import FrontDoorError
from tenantry.cli.ports import DEFAULT_BASE, HOST, Ports

if TYPE_CHECKING:
    from pathlib import Path

_TEST_API: Final = f"{HOST}:{Ports(DEFAULT_BASE).test_api}"


@dataclass(frozen=True, slots=True)
class ExampleTenant:
    """A tenant's folder: its own document, and those of its tasks and workflows as one text."""

    name: str
    tenant: str
    definitions: str


@dataclass(frozen=True, slots=True)
class ExampleRun:
    """One execution to try."""

    tenant: str
    workflow: str
    input: Any


class ExamplesError(FrontDoorError):
    """The examples cannot be read."""


def read_tenants(folder: Path, ports: Ports) -> tuple[ExampleTenant, ...]:
    """The tenants in the folder, by name; their upstream, the test API, is where these ports put it.

    Raises:
        ExamplesError: there are none.
    """
    documents = sorted(folder.glob("*/tenant.yaml"))
    if not documents:
        raise ExamplesError(
            f"No example tenants in {folder.absolute()}.",
            hint="Start from the repository's folder, or name one with --examples.",
        )
    return tuple(_read_tenant(document.parent, ports) for document in documents)


def read_run(path: Path) -> ExampleRun:
    """An execution of the tenant in whose folder the file lies.

    Raises:
        ExamplesError: it is not there, or says something else.
    """
    try:
        content = yaml.safe_load(path.read_text())
        return ExampleRun(path.absolute().parent.parent.name, content["workflow"], content["input"])
    except OSError as error:
        raise ExamplesError(f"{path} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        raise ExamplesError(f"{path} is no run: it holds `workflow` and `input`.") from None


def _read_tenant(folder: Path, ports: Ports) -> ExampleTenant:
    def read(path: Path) -> str:
        return path.read_text().replace(_TEST_API, f"{HOST}:{ports.test_api}")

    files = (*sorted(folder.glob("tasks/*.yaml")), *sorted(folder.glob("workflows/*.yaml")))
    return ExampleTenant(folder.name, read(folder / "tenant.yaml"), "\n---\n".join(map(read, files)))
