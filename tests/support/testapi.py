"""A real test API on a free port, in a thread: an upstream for any suite."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tenantry.testapi.server import make_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def serve_testapi() -> Iterator[str]:
    """Serves a fresh shop; gives its address, such as `http://127.0.0.1:40123`."""
    server = make_server("127.0.0.1", 0)
    started = threading.Event()
    start = server.startup

    async def start_and_tell(*arguments: Any, **options: Any) -> None:
        await start(*arguments, **options)
        started.set()

    server.startup = start_and_tell  # type: ignore[method-assign]  # uvicorn has no hook for "listening"
    thread = threading.Thread(target=server.run, name="testapi")
    thread.start()
    assert started.wait(timeout=10), "the test API did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
