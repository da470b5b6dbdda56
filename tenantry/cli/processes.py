"""Child processes: started with their output in a log, watched while they become ready, stopped for certain.

`tenantry.cli.platform` runs the planes with it, the tests run their PostgreSQL with it.
"""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from tenantry.cli.failures import FrontDoorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tenantry.cli.home import ProcessList

POLL_SECONDS: Final = 0.05
TAIL_LINES: Final = 20


class ProcessFailedError(FrontDoorError):
    """A child process ended, or did not become ready in time."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        super().__init__(f"The {name} {reason}.", hint=f"Its whole log is in {log}.", evidence=tail(log))
        self.name, self.log = name, log


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """What to start.

    Attributes:
        environment: added to the environment of this process.
        user: the account it runs as; `None` for our own.
        stop_signal: what asks it to end in an orderly way.
        is_ready: whether it serves; called until it says so.
    """

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM


class Process:
    """A running child, leader of its own process group so that a Ctrl-C in the terminal reaches only us."""

    def __init__(self, spec: ProcessSpec, log: Path, *, inherit: Sequence[int] = ()) -> None:
        self.spec, self.log = spec, log
        with log.open("wb") as output:
            self._popen = subprocess.Popen(  # noqa: S603  (commands are ours, never from outside)
                spec.command,
                env={**os.environ, **spec.environment},
                **_account_options(spec.user),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
                pass_fds=inherit,
            )

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._popen.pid

    def check(self) -> None:
        """Says nothing while the process runs.

        Raises:
            ProcessFailedError: it ended.
        """
        status = self._popen.poll()
        if status is not None:
            raise ProcessFailedError(self.spec.name, f"stopped by itself ({_describe(status)})", self.log)

    def wait_ready(self, timeout_seconds: float) -> None:
        """Returns as soon as the process serves.

        Raises:
            ProcessFailedError: it ended, or it does not serve after the timeout.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self.spec.is_ready():
            self.check()
            if time.monotonic() > deadline:
                reason = f"was not ready after {timeout_seconds:.0f} seconds"
                raise ProcessFailedError(self.spec.name, reason, self.log)
            time.sleep(POLL_SECONDS)
        self.check()  # what answered may be another program on the same port

    def ask_to_stop(self) -> None:
        """Sends the stop signal to the process; one that is gone is no error."""
        self._popen.send_signal(self.spec.stop_signal)

    def stop(self, grace_seconds: float) -> None:
        """Asks it to stop, waits, and kills what is then left of its group."""
        self.ask_to_stop()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(grace_seconds)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()


class ProcessGroup:
    """The children of one run. Leaving its `with` block stops them all, the last started first.

    Args:
        logs: folder of their logs.
        listed_in: where they are noted for the next run, should this one be killed.
        grace_seconds: what each has to end in an orderly way.
    """

    def __init__(
        self, logs: Path, *, listed_in: ProcessList | None = None, grace_seconds: float = 10.0
    ) -> None:
        self._logs, self._listed_in, self._grace_seconds = logs, listed_in, grace_seconds
        self._running: list[Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self, spec: ProcessSpec) -> Process:
        """Starts a child; its output goes to `<name>.log`, which begins anew."""
        log = self._logs / f"{spec.name.lower().replace(' ', '-')}.log"
        process = Process(spec, log, inherit=(self._listed_in.file,) if self._listed_in else ())
        self._running.append(process)
        if self._listed_in:
            self._listed_in.add(process.pid)
        return process

    def check(self) -> None:
        """Says nothing while all children run.

        Raises:
            ProcessFailedError: one of them ended.
        """
        for process in self._running:
            process.check()

    def stop(self) -> None:
        """Stops all children."""
        while self._running:
            self._running.pop().stop(self._grace_seconds)


def run_program(*command: str | Path, user: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, under an account of its own if one is named; its output is in the result."""
    return subprocess.run(  # noqa: S603  (commands are ours, never from outside)
        command, **_account_options(user), check=False, capture_output=True, text=True
    )


def _account_options(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": ()}


def tail(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


def _describe(status: int) -> str:
    return f"exit code {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"
