"""The test API behind uvicorn, as the command line and the tests run it."""

from __future__ import annotations

import uvicorn

from tenantry.testapi.app import create_app
from tenantry.testapi.connection import ResettableProtocol


def make_server(host: str, port: int) -> uvicorn.Server:
    """A server of a fresh shop, not yet started. Port 0 takes a free one."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(),
            host=host,
            port=port,
            http=ResettableProtocol,
            ws="none",
            access_log=False,
            log_level="warning",
            # Hanging requests (`hang=true`) must not keep Ctrl-C waiting.
            timeout_graceful_shutdown=1,
        )
    )
