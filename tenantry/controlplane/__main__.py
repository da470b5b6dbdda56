"""`python -m tenantry.controlplane`: migrates the database, then serves until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from tenantry.controlplane.application import ControlPlane
from tenantry.controlplane.settings import SettingsError, read_settings
from tenantry.controlplane.store.database import DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.controlplane.settings import Settings

_DRAIN_SECONDS: Final = 10
_BACKLOG: Final = 2048


class StartError(Exception):
    """It cannot start; the message is one sentence."""


class _Server(uvicorn.Server):
    """Leaves signals to us, so that a requested end is a success and long polls do not hold it up."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _run(settings: Settings) -> None:
    control_plane = ControlPlane(settings)
    try:
        listener = _listen(settings)
        await _prepare(control_plane)
        await _serve(control_plane, listener)
    finally:
        await control_plane.close()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise StartError(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None


async def _prepare(control_plane: ControlPlane) -> None:
    try:
        await control_plane.prepare()
    except (OSError, SQLAlchemyError, DatabaseUnavailableError) as error:
        raise StartError(f"cannot use the database: {str(error).splitlines()[0]}") from None


async def _serve(control_plane: ControlPlane, listener: socket.socket) -> None:
    config = uvicorn.Config(
        control_plane.app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    server = _Server(config)

    def stop() -> None:
        control_plane.drain()
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await server.serve(sockets=[listener])


def main() -> int:
    """Serves; gives the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = read_settings(os.environ)
        with asyncio.Runner(loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()) as runner:
            runner.run(_run(settings))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
