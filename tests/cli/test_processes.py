from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tenantry.cli.home import ProcessList
from tenantry.cli.processes import Process, ProcessFailedError, ProcessGroup, ProcessSpec

if TYPE_CHECKING:
    from pathlib import Path

SERVES = "print('serving', flush=True); import signal; signal.pause()"


def script(code: str, *, name: str = "child", log: Path | None = None, **fields: object) -> ProcessSpec:
    """A tiny Python program; it is ready when its log has anything in it (at once if no log is named)."""
    return ProcessSpec(
        name=name,
        command=(sys.executable, "-u", "-c", code),
        is_ready=lambda: log is None or bool(log.exists() and log.read_text()),
        **fields,  # type: ignore[arg-type]  # the caller's fields are the dataclass's
    )


def wait_failure(child: Process) -> str:
    """What is said of a child that ends by itself."""
    while True:
        try:
            child.check()
        except ProcessFailedError as failure:
            return str(failure)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_writes_to_its_own_log_and_ends_with_its_group(tmp_path: Path) -> None:
    log = tmp_path / "test-api.log"
    with ProcessGroup(tmp_path) as group:
        child = group.start(script(SERVES, name="test API", log=log))
        child.wait_ready(timeout_seconds=30)
        group.check()
        assert os.getpgid(child.pid) == child.pid
    assert not is_alive(child.pid)
    assert log.read_text() == "serving\n"


def test_the_last_started_is_stopped_first(tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = f"""
import signal, sys
def end(*_):
    open({str(order)!r}, "a").write(sys.argv[1] + " ")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("serving", flush=True)
signal.pause()
"""
    with ProcessGroup(tmp_path) as group:
        for name in ("first", "second"):
            spec = script(code, name=name, log=tmp_path / f"{name}.log")
            spec = ProcessSpec(name=name, command=(*spec.command, name), is_ready=spec.is_ready)
            group.start(spec).wait_ready(timeout_seconds=30)
    assert order.read_text() == "second first "


def test_a_child_that_ignores_the_request_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    code = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf")
while True:
    signal.pause()
"""
    with ProcessGroup(tmp_path, grace_seconds=0.2) as group:
        child = group.start(script(code, log=tmp_path / "child.log"))
        child.wait_ready(timeout_seconds=30)
    assert not is_alive(child.pid)


def test_what_a_child_left_in_its_group_is_killed_with_it(tmp_path: Path) -> None:
    code = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], close_fds=False)
"""
    held, inherited = os.pipe()
    with ProcessGroup(tmp_path, listed_in=ProcessList(inherited)) as group:
        child = group.start(script(code))
        assert wait_failure(child).startswith("The child stopped by itself")
        os.close(inherited)
    while os.read(held, 100):
        pass  # the end of the pipe: nobody holds its other side any more
    os.close(held)


def test_a_child_that_dies_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    code = "[print('line', number) for number in range(100)]; raise SystemExit(3)"
    with ProcessGroup(tmp_path) as group:
        child = group.start(script(code))
        assert wait_failure(child) == "The child stopped by itself (exit code 3)."
        with pytest.raises(ProcessFailedError) as failure:
            group.check()
    assert failure.value.evidence.splitlines() == [f"line {number}" for number in range(80, 100)]
    assert str(child.log) in failure.value.hint


def test_a_killed_child_is_reported_with_the_signal(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        child = group.start(script("import os; os.kill(os.getpid(), 9)"))
        assert wait_failure(child) == "The child stopped by itself (signal SIGKILL)."


def test_waiting_for_a_child_that_died_ends_at_once(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        child = group.start(script("raise SystemExit('no database')", log=tmp_path / "never"))
        with pytest.raises(ProcessFailedError, match="stopped by itself") as failure:
            child.wait_ready(timeout_seconds=3600)
    assert failure.value.evidence == "no database"


def test_a_child_that_never_serves_is_given_up(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        child = group.start(script(SERVES, log=tmp_path / "never"))
        with pytest.raises(ProcessFailedError, match="was not ready after 0 seconds"):
            child.wait_ready(timeout_seconds=0)


def test_the_specified_environment_and_signal_reach_the_child(tmp_path: Path) -> None:
    code = """
import os, signal, sys
def interrupted(*_):
    print("interrupted", flush=True)
    sys.exit()
signal.signal(signal.SIGINT, interrupted)
print(os.environ["SHOP"], flush=True)
signal.pause()
"""
    log = tmp_path / "child.log"
    spec = script(code, log=log, environment={"SHOP": "open"}, stop_signal=signal.SIGINT)
    child = Process(spec, log)
    child.wait_ready(timeout_seconds=30)
    child.stop(grace_seconds=30)
    assert log.read_text().split() == ["open", "interrupted"]
