"""Small JSON files that only their owner can read, always whole: the home's credentials and secrets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tenantry.cli.failures import FrontDoorError

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T", bound=msgspec.Struct)


class PrivateFileError(FrontDoorError):
    """A private file is there but cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} cannot be read: {reason}.", hint="Remove it, and the next start makes a new one."
        )
        self.path = path


def save_private(path: Path, value: msgspec.Struct) -> None:
    """Writes the value, replacing the file in one step."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    beside.replace(path)


def load_private(path: Path, type_: type[T]) -> T | None:
    """Reads the value back, `None` when there is no file. A file that others could read is closed to them.

    Raises:
        PrivateFileError: unreadable, or not what `save_private` wrote.
    """
    try:
        path.chmod(0o600)
        return msgspec.json.decode(path.read_bytes(), type=type_)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PrivateFileError(path, error.strerror or "unknown error") from None
    except msgspec.MsgspecError as error:
        raise PrivateFileError(path, f"damaged ({error})") from None
