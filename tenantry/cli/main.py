"""The console scripts `tenantry` and `workflow`.

They import nothing that has to be installed until they have seen that it is.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, requires
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def app() -> None:
    """Runs `tenantry`."""
    _check_installed("tenantry")
    from tenantry.cli.commands import commands  # noqa: PLC0415  (only now is it known that it can be imported)

    commands()


def workflow() -> None:
    """Runs `workflow`."""
    _check_installed("workflow")
    from tenantry.cli.author.commands import commands  # noqa: PLC0415  (as above)

    commands()


def _check_installed(script: str) -> None:
    missing = find_missing(requires("tenantry") or [])
    if missing:
        sys.exit(
            f"{script}: not installed: {', '.join(missing)}. Run `make run`, which installs what is missing."
        )


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
