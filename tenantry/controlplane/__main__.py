"""`python -m tenantry.controlplane`: migrates the database, then serves until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from tenantry.controlplane.application import ControlPlane
from tenantry.controlplane.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.controlplane.settings import Settings

_DRAIN_SECONDS: Final = 10


class _Server(uvicorn.Server):
    """Leaves signals to us, so that a requested end is a success and long polls do not hold it up."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(settings: Settings) -> None:
    control_plane = ControlPlane(settings)
    config = uvicorn.Config(
        control_plane.app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    server = _Server(config)

    def stop() -> None:
        control_plane.drain()
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await server.serve()


def main() -> int:
    """Serves; gives the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
        runner.run(_serve(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
