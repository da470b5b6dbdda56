from __future__ import annotations

import sys

import pytest

from tenantry.cli.main import app, find_missing, workflow


def test_what_is_not_installed_is_found_by_name() -> None:
    requirements = [
        "typer>=0.20",
        "no-such-thing>=1",
        "sqlalchemy[asyncio]>=2",
        "neither.this",
        "winonly; sys_platform == 'win32'",
    ]
    assert find_missing(requirements) == ["no-such-thing", "neither.this"]


def test_a_missing_dependency_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenantry.cli.main.requires", lambda _: ["no-such-thing>=1"])
    with pytest.raises(SystemExit, match=r"not installed: no-such-thing\. Run `make run`"):
        app()


def test_with_everything_installed_the_commands_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tenantry", "run", "--help"])
    with pytest.raises(SystemExit) as done:
        app()
    assert done.value.code == 0
    assert "--once" in capsys.readouterr().out


def test_the_author_s_commands_run_under_a_name_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["workflow", "validate", "--help"])
    with pytest.raises(SystemExit) as done:
        workflow()
    assert done.value.code == 0
    assert "--strict" in capsys.readouterr().out
