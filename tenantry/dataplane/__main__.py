"""`python -m tenantry.dataplane`: serves one data plane until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Final

import asyncpg
import uvicorn

from tenantry.dataplane.gateway.app import create_app
from tenantry.dataplane.process import running
from tenantry.dataplane.settings import Settings, SettingsError, settings_from

_KEEP_ALIVE_SECONDS: Final = 30


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
    except (OSError, asyncpg.PostgresError) as error:
        sys.stderr.write(f"tenantry dataplane: cannot start: {error}\n")
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
    async with running(settings) as services:
        config = uvicorn.Config(
            create_app(services),
            host=settings.host,
            port=settings.port,
            access_log=False,
            log_config=None,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=round(settings.drain_seconds),
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    sys.exit(main())
