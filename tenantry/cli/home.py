"""The home folder, `.tenantry`: everything `tenantry run` keeps between two starts, for one run at a time.

credentials.json   tokens for people: the platform's and each tenant's      (owner only)
secrets.json       what the planes share: token and signing key             (owner only)
postgres/          the databases
bundles/           the data plane's last bundles
logs/              one log per process, of the latest run
run.lock           held by the run
processes.lock     held by every process of the run, and lists them
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenantry.cli.failures import FrontDoorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ORPHAN_GRACE_SECONDS: Final = 10.0


class HomeError(FrontDoorError):
    """The home folder cannot be used."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where things are in a home folder."""

    path: Path

    @property
    def credentials(self) -> Path:
        """The tokens that were issued; see `tenantry.cli.credentials`."""
        return self.path / "credentials.json"

    @property
    def secrets(self) -> Path:
        """What the planes share; see `tenantry.cli.credentials`."""
        return self.path / "secrets.json"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's own folder."""
        return self.path / "postgres"

    @property
    def bundles(self) -> Path:
        """The data plane's bundles."""
        return self.path / "bundles"

    @property
    def logs(self) -> Path:
        """The logs of the latest run."""
        return self.path / "logs"


class ProcessList:
    """The processes of a run, listed in a file whose lock they inherit.

    A lock that nobody holds proves that none of them is left, whatever became of their pids.
    """

    def __init__(self, file: int) -> None:
        self.file = file

    def add(self, pid: int) -> None:
        """Notes a process group, for whoever starts after this run was killed."""
        os.write(self.file, f"{pid}\n".encode())


@contextmanager
def open_home(path: Path) -> Iterator[tuple[Home, ProcessList]]:
    """Takes the home folder for one run, ending what a killed run left behind.

    Raises:
        HomeError: it is not a folder, not ours to write, or another run has it.
    """
    home = Home(path.absolute())
    _make_folders(home)
    with _open_locked(home.path / "run.lock") as run, _open_locked(home.path / "processes.lock") as processes:
        if not _try_lock(run):
            raise HomeError(f"Another `tenantry run` is using {home.path}.", hint="Stop it first.")
        if not _try_lock(processes):
            _end_orphans(processes)
        os.ftruncate(processes, 0)
        yield home, ProcessList(processes)


def _make_folders(home: Home) -> None:
    try:
        for folder in (home.path, home.bundles, home.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise HomeError(
            f"{home.path} cannot be the home folder: it is, or holds, a file in place of a folder.",
            hint="Remove it, or set TENANTRY_HOME to another place.",
        ) from None
    except OSError as error:
        raise HomeError(
            f"The home folder {home.path} cannot be written: {error.strerror}.",
            hint="Set TENANTRY_HOME to a folder of yours.",
        ) from None


@contextmanager
def _open_locked(path: Path) -> Iterator[int]:
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise HomeError(
            f"{path} cannot be written: {error.strerror}.", hint="Set TENANTRY_HOME to a folder of yours."
        ) from None
    try:
        yield file
    finally:
        os.close(file)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_orphans(processes: int) -> None:
    """Stops the processes of a run that was killed: they hold its lock, its ports and its database."""
    pids = [int(line) for line in os.pread(processes, 1 << 16, 0).split()]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.killpg(pid, number)
        deadline = time.monotonic() + _ORPHAN_GRACE_SECONDS
        while time.monotonic() < deadline:
            if _try_lock(processes):
                return
            time.sleep(0.05)
    raise HomeError("Processes of an earlier run do not end.", hint=f"End them by hand: {pids}.")
