"""The console script `tenantry`: imports nothing that has to be installed until it has seen that it is."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, requires
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def app() -> None:
    """Runs the command line."""
    missing = find_missing(requires("tenantry") or [])
    if missing:
        sys.exit(
            f"tenantry: not installed: {', '.join(missing)}. Run `make run`, which installs what is missing."
        )
    from tenantry.cli.commands import commands  # noqa: PLC0415  (only now is it known that it can be imported)

    commands()


def find_missing(requirements: list[str]) -> list[str]:
    """The names among the requirements that are not installed; those for other systems do not count."""
    names = [_NAME.match(requirement) for requirement in requirements if ";" not in requirement]
    return [name[0] for name in names if name and not _is_installed(name[0])]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
