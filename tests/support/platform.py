"""A whole platform as a user starts it: `tenantry run` in a process, on ports and in a home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import httpx

from tenantry.cli.ports import Ports, address

REPOSITORY: Final = Path(__file__).parents[2]
COMMAND: Final = Path(sys.executable).with_name("tenantry")
PATIENCE_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a platform lives: a home and ports that nobody else uses."""

    home: Path
    ports: Ports

    @property
    def environment(self) -> dict[str, str]:
        """What tells `tenantry run` so, with a terminal wide enough for any line."""
        return {
            **os.environ,
            "TENANTRY_HOME": str(self.home),
            "TENANTRY_PORT_BASE": str(self.ports.base),
            "COLUMNS": "200",
        }

    @property
    def credentials(self) -> dict[str, Any]:
        """The content of `credentials.json`."""
        content: dict[str, Any] = json.loads((self.home / "credentials.json").read_bytes())
        return content

    @property
    def pids(self) -> list[int]:
        """The processes of the latest run, in the order they were started."""
        return [int(line) for line in (self.home / "processes.lock").read_text().split()]

    def run_once(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`tenantry run --once`, to its end."""
        return subprocess.run(  # noqa: S603  (our own command)
            [COMMAND, "run", "--once", *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    def graphql(self, token: str, query: str, **variables: Any) -> Any:
        """The data of a GraphQL operation that is expected to work."""
        response = httpx.post(
            f"{address(self.ports.control_plane)}/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert response.status_code == 200, response.text
        assert "errors" not in response.json(), response.text
        return response.json()["data"]

    def get(self, token: str, tenant: str, path: str) -> Any:
        """A resource of a tenant at the data plane."""
        url = f"{address(self.ports.data_plane)}/tenants/{tenant}/api/v1/{path}"
        response = httpx.get(url, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 200, response.text
        return response.json()


class ServingPlatform:
    """`tenantry run` that has come to the point where it serves. Killed after a while, whatever happens."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.process = subprocess.Popen(  # noqa: S603  (our own command)
            [COMMAND, "run"],
            cwd=REPOSITORY,
            env=place.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self._watchdog = threading.Timer(PATIENCE_SECONDS, self.process.kill)
        self._watchdog.start()
        self.said: list[str] = []
        for line in self._stdout:
            self.said.append(line.rstrip("\n"))
            if line.startswith("Serving"):
                return
        raise AssertionError("\n".join([*self.said, self.finish()[1]]))

    @property
    def _stdout(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def send(self, number: signal.Signals) -> None:
        """Signals the whole group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def stop(self) -> tuple[int, str]:
        """Ctrl-C, and the end; the exit code and what was said as errors."""
        self.send(signal.SIGINT)
        return self.finish()

    def finish(self) -> tuple[int, str]:
        """Waits for the end; the exit code and what was said as errors."""
        _, errors = self.process.communicate()
        self._watchdog.cancel()
        return self.process.returncode, errors
