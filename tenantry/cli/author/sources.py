"""The texts an author names on the command line: files, folders, and standard input."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tenantry.cli.failures import FrontDoorError
from tenantry.language.documents.parsing import MAX_TEXT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

STDIN: Final = "-"

_SUFFIXES: Final = frozenset((".yaml", ".yml", ".json"))
_MARK: Final = "workflow.io/"
_SOME_MORE: Final = 16
"""Bytes past the limit: enough that a text that is too large is still so after its last character is cut."""


class SourcesError(FrontDoorError):
    """What was named cannot be read."""


@dataclass(slots=True)
class Sources:
    """Texts by the name findings call them, in the order they were named; and files without a definition."""

    texts: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def read_sources(paths: Sequence[str], stdin: BinaryIO) -> Sources:
    """Reads files; of folders, all YAML and JSON files in them that mention `workflow.io/`; and `-`.

    Raises:
        SourcesError: one is not there, cannot be read, or is no UTF-8; or a folder holds no definition.
    """
    sources = Sources()
    for path in dict.fromkeys(paths):
        if path == STDIN:
            sources.texts["<stdin>"] = _decode("<stdin>", stdin.read(MAX_TEXT_BYTES + _SOME_MORE))
        elif Path(path).is_dir():
            _read_folder(Path(path), sources)
        else:
            sources.texts[str(Path(path))] = _read(Path(path))
    return sources


def _read_folder(folder: Path, sources: Sources) -> None:
    found = False
    for path in _files(folder):
        text = _read(path)
        if _MARK in text:
            sources.texts[str(path)] = text
            found = True
        else:
            sources.left_out.append(str(path))
    if not found:
        raise SourcesError(
            f"{folder} holds no definitions.", hint=f"Definitions are YAML or JSON files that say {_MARK}v1."
        )


def _files(folder: Path) -> Iterator[Path]:
    """The YAML and JSON files below a folder, by name; hidden ones and links to folders are not followed."""
    for name, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(inner for inner in folders if not inner.startswith("."))
        paths = (Path(name, file) for file in sorted(files) if not file.startswith("."))
        yield from (path for path in paths if path.suffix.lower() in _SUFFIXES)


def _refuse(error: OSError) -> None:
    raise SourcesError(f"{error.filename} cannot be read: {error.strerror}.") from None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return _decode(str(path), file.read(MAX_TEXT_BYTES + _SOME_MORE))
    except OSError as error:
        raise SourcesError(f"{path} cannot be read: {error.strerror}.") from None


def _decode(name: str, content: bytes) -> str:
    try:
        return content.decode(errors="ignore" if len(content) > MAX_TEXT_BYTES else "strict")
    except UnicodeDecodeError as error:
        raise SourcesError(f"{name} is not UTF-8: byte {error.start + 1}.") from None
