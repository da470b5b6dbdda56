from __future__ import annotations

import os
import signal
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from tenantry.cli.home import HomeError, open_home
from tenantry.cli.processes import ProcessGroup, ProcessSpec, run_program

if TYPE_CHECKING:
    from pathlib import Path

KILLED_RUN = """
import os, pathlib, signal, sys
from tenantry.cli.home import open_home
from tenantry.cli.processes import ProcessGroup, ProcessSpec

ORPHAN = '''
import signal
signal.signal(signal.SIGTERM, signal.%s)
print('up', flush=True)
while True:
    signal.pause()
'''
with open_home(pathlib.Path(sys.argv[1])) as (home, processes):
    log = home.logs / "orphan.log"
    spec = ProcessSpec(
        name="orphan",
        command=(sys.executable, "-c", ORPHAN % sys.argv[2]),
        is_ready=lambda: log.exists() and log.read_text() == "up\\n",
    )
    orphan = ProcessGroup(home.logs, listed_in=processes).start(spec)
    orphan.wait_ready(timeout_seconds=30)
    print(orphan.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_new_home_is_closed_to_others_and_has_its_folders(tmp_path: Path) -> None:
    with open_home(tmp_path / "deep" / "home") as (home, _):
        assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
        assert home.logs.is_dir()
        assert home.bundles.is_dir()


def test_a_second_run_of_the_same_home_is_told_so(tmp_path: Path) -> None:
    with (
        open_home(tmp_path),
        pytest.raises(HomeError, match="Another `tenantry run` is using"),
        open_home(tmp_path),
    ):
        pass


def test_a_home_is_free_again_after_its_run(tmp_path: Path) -> None:
    for _ in range(2):
        with open_home(tmp_path) as (home, processes), ProcessGroup(home.logs, listed_in=processes) as group:
            group.start(
                ProcessSpec(
                    name="child",
                    command=(sys.executable, "-c", "import signal; signal.pause()"),
                    is_ready=lambda: True,
                )
            )


@pytest.mark.parametrize("handler", ["SIG_DFL", "SIG_IGN"])
def test_what_a_killed_run_left_running_is_ended(
    tmp_path: Path, handler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenantry.cli.home._ORPHAN_GRACE_SECONDS", 0.5)
    killed = run_program(sys.executable, "-c", KILLED_RUN, str(tmp_path), handler)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    os.kill(int(killed.stdout), 0)  # still there
    with open_home(tmp_path) as (_, processes):  # its lock could be had: it is gone
        assert os.fstat(processes.file).st_size == 0


def test_processes_that_cannot_be_ended_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenantry.cli.home._ORPHAN_GRACE_SECONDS", 0)
    with open_home(tmp_path) as (_, processes):
        held = os.dup(processes.file)
        processes.add(2**22 + 1)  # above any pid there is
    with pytest.raises(HomeError, match="do not end") as failure, open_home(tmp_path):
        pass
    os.close(held)
    assert "4194305" in failure.value.hint


def test_a_file_in_place_of_the_home_is_reported(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(HomeError, match="a file in place of a folder"), open_home(tmp_path / "home"):
        pass


def test_a_file_in_place_of_a_parent_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="Not a directory"), open_home(tmp_path / "file" / "home"):
        pass


def test_a_folder_in_place_of_the_lock_is_reported(tmp_path: Path) -> None:
    (tmp_path / "run.lock").mkdir()
    with pytest.raises(HomeError, match="cannot be written: Is a directory"), open_home(tmp_path):
        pass
