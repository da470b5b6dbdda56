"""The PostgreSQL of a test session: real, embedded, in memory where it can be, thrown away at the end."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tenantry.cli.embedded_postgres import EmbeddedPostgres
from tenantry.cli.processes import ProcessGroup
from tenantry.postgres.migration import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEMORY: Final = Path("/dev/shm")  # noqa: S108  (only folders that nobody else can enter are made there)
_ROOM_BYTES: Final = 2 * 1024**3


@contextmanager
def run_postgres() -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL with nothing in it, outside of pytest's folders, closed to its account."""
    with tempfile.TemporaryDirectory(prefix="tenantry-", dir=_memory(), ignore_cleanup_errors=True) as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        with ProcessGroup(Path(folder)) as processes:
            server = processes.start(postgres.prepare())
            with _stopped_with_us(server.pid, folder):
                server.wait_ready(timeout_seconds=60)
                yield postgres


def _memory() -> Path | None:
    # With the settings of a real server, a thousand databases of 300 files each still wait for no disk: half
    # of the suite's time was ext4 looking for an inode that had not just been freed.
    if os.access(_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
        return _MEMORY
    return None


@contextmanager
def _stopped_with_us(pid: int, folder: str) -> Iterator[None]:
    """Has a shell wait for the end of this process: a killed test run leaves no server and no files."""
    script = 'cat; kill -INT "$1"; while [ -e "$2/postgres/postmaster.pid" ]; do sleep 0.1; done; rm -rf "$2"'
    with subprocess.Popen(  # noqa: S603  (our own command)
        ["/bin/sh", "-c", script, "sh", str(pid), folder], stdin=subprocess.PIPE, process_group=0
    ) as guard:
        try:
            yield
        finally:
            guard.kill()


class Databases:
    """Fresh databases on one server; `drop_all` removes those made since the last time."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._numbers = count()
        self._names: list[str] = []
        self._templates: dict[Path, str] = {}

    def make(self) -> str:
        """Creates an empty database and gives its URL."""
        return self._create()

    def make_migrated(self, migrations: Path) -> str:
        """Creates a database as this folder of migrations leaves it and gives its URL."""
        if migrations not in self._templates:
            self._templates[migrations] = self._make_template(migrations)
        return self._create("--template", self._templates[migrations])

    def drop_all(self) -> None:
        """Removes the databases made."""
        while self._names:
            self._postgres.drop_database(self._names.pop())

    def _create(self, *options: str) -> str:
        name = f"test_{next(self._numbers)}"
        self._postgres._client("createdb", *options, name)
        self._names.append(name)
        return self._postgres.url(name)

    def _make_template(self, migrations: Path) -> str:
        name = f"template_{len(self._templates)}"
        self._postgres.create_database(name)
        with ThreadPoolExecutor(1) as beside:  # whoever asks may have an event loop running
            beside.submit(asyncio.run, migrate(self._postgres.url(name), migrations)).result()
        return name
