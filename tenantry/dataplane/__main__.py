"""`python -m tenantry.dataplane`: serves one data plane until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import asyncpg
import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from tenantry.dataplane.gateway.app import create_app
from tenantry.dataplane.process import running
from tenantry.dataplane.settings import Settings, SettingsError, settings_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

    from tenantry.dataplane.executions.executor import Executor

_KEEP_ALIVE_SECONDS: Final = 30
_ANSWER_SECONDS: Final = 2
_BACKLOG: Final = 2048


class _Server(uvicorn.Server):
    """Leaves signals to us, and drains while it stops: what is cancelled at the end is still answered."""

    def __init__(self, config: uvicorn.Config, executor: Executor, drain_seconds: float) -> None:
        super().__init__(config)
        self._executor, self._drain_seconds = executor, drain_seconds

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own would raise the signal again afterwards and end the process before its journal.
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.gather(self._executor.drain(self._drain_seconds), super().shutdown(sockets))


def main() -> int:
    """Runs the process; the exit code is 0 after a clean stop, 1 with one sentence otherwise."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # one line per poll says nothing
    try:
        settings = settings_from(os.environ)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings))
    except SettingsError as error:
        sys.stderr.write(f"tenantry dataplane: {error}\n")
        return 1
    except (OSError, asyncpg.PostgresError, SQLAlchemyError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        sys.stderr.write(f"tenantry dataplane: cannot start: {reason}\n")
        return 1
    return 0


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  (not available on Windows)
    except ImportError:
        return None
    loop: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return loop


async def _serve(settings: Settings) -> None:
    with _listen(settings) as listener:
        async with running(settings) as services:
            # What a process begins with stays: looking through it again and again takes tens of milliseconds.
            gc.collect()
            gc.freeze()
            app = create_app(services, settings.tenant_host)
            await _serve_on(listener, app, services.executor, settings.drain_seconds)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise OSError(f"cannot listen on {settings.host}:{settings.port}: {reason}") from None


async def _serve_on(listener: socket.socket, app: ASGIApp, executor: Executor, drain_seconds: float) -> None:
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=round(drain_seconds) + _ANSWER_SECONDS,
    )
    server = _Server(config, executor, drain_seconds)

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await server.serve(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
