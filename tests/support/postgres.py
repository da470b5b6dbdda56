"""The PostgreSQL of a test session: real, embedded, thrown away at the end."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tenantry.cli.embedded_postgres import EmbeddedPostgres
from tenantry.cli.processes import ProcessGroup

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def run_postgres() -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL with nothing in it, outside of pytest's folders, closed to its account."""
    with tempfile.TemporaryDirectory(prefix="tenantry-", ignore_cleanup_errors=True) as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        with ProcessGroup(Path(folder)) as processes:
            server = processes.start(postgres.prepare())
            with _stopped_with_us(server.pid, folder):
                server.wait_ready(timeout_seconds=60)
                yield postgres


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

    def make(self) -> str:
        """Creates an empty database and gives its URL."""
        name = f"test_{next(self._numbers)}"
        self._postgres.create_database(name)
        self._names.append(name)
        return self._postgres.url(name)

    def drop_all(self) -> None:
        """Removes the databases made."""
        while self._names:
            self._postgres.drop_database(self._names.pop())
