"""`tenantry run`: the whole platform on this machine, its examples applied, one workflow shown."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenantry.cli import planes
from tenantry.cli.credentials import ensure_credentials, ensure_plane_secrets
from tenantry.cli.demonstration import demonstrate
from tenantry.cli.embedded_postgres import EmbeddedPostgres
from tenantry.cli.examples import read_run, read_tenants
from tenantry.cli.home import open_home
from tenantry.cli.ports import Ports, address
from tenantry.cli.processes import ProcessGroup
from tenantry.cli.progress import Progress
from tenantry.cli.provisioning import provision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from tenantry.cli.credentials import Credentials
    from tenantry.cli.home import Home

READY_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.2
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What to run.

    Attributes:
        home: the home folder.
        examples: folder of the tenants to apply.
        execution: file of the run to show, below `examples`.
        once: whether to stop after it.
    """

    home: Path
    examples: Path
    execution: Path
    ports: Ports
    once: bool


def run(options: RunOptions, console: Console) -> None:
    """Starts everything, shows the workflow's answer, and serves until Ctrl-C unless told to stop.

    Raises:
        FrontDoorError: something on this machine is in the way.
        KeyboardInterrupt: it was stopped while it was still setting up.
    """
    tenants = read_tenants(options.examples, options.ports)
    shown = read_run(options.examples / options.execution)
    progress = Progress(console)
    with ExitStack() as stack:
        stack.enter_context(_stopped_by_signals())
        home, listed = stack.enter_context(open_home(options.home))
        group = stack.enter_context(ProcessGroup(home.logs, listed_in=listed, grace_seconds=15.0))
        stack.callback(_ignore_signals)
        credentials = ensure_credentials(home)
        _start(home, options.ports, credentials, group, progress)
        with progress.step("Examples applied") as tell:
            credentials = provision(tenants, home, credentials, options.ports, tell)
        demonstrate(shown, credentials.tenants[shown.tenant].caller, options.ports, console)
        if not options.once:
            _serve(group, options.ports, console)


def _start(
    home: Home, ports: Ports, credentials: Credentials, group: ProcessGroup, progress: Progress
) -> None:
    secrets = ensure_plane_secrets(home)
    ports.check_free()
    postgres = EmbeddedPostgres(home.postgres)
    with progress.step("PostgreSQL"):
        group.start(postgres.prepare()).wait_ready(READY_SECONDS)
        for database in (planes.CONTROL_PLANE_DATABASE, planes.DATA_PLANE_DATABASE):
            if not postgres.has_database(database):
                postgres.create_database(database)
    specs = {
        ports.control_plane: planes.control_plane(postgres, ports, credentials, secrets),
        ports.data_plane: planes.data_plane(postgres, ports, home, secrets),
        ports.test_api: planes.test_api(ports),
    }
    started = [(group.start(spec), port) for port, spec in specs.items()]
    for process, port in started:
        with progress.step(f"{process.spec.name} on {address(port)}"):
            process.wait_ready(READY_SECONDS)


def _serve(group: ProcessGroup, ports: Ports, console: Console) -> None:
    with suppress(KeyboardInterrupt):
        console.print(f"\nServing. GraphQL: {address(ports.control_plane)}/graphql. Ctrl-C stops everything.")
        while True:
            group.check()
            time.sleep(POLL_SECONDS)
    console.print("\nStopping everything.")


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """A request to end, however it comes, is a `KeyboardInterrupt` here."""
    before = [(number, signal.signal(number, signal.default_int_handler)) for number in _STOPPING]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """From here on everything is being stopped; asking twice does not make it cleaner."""
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
