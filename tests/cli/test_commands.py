from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tenantry.cli.commands import commands
from tenantry.cli.home import open_home
from tests.support.ports import find_free_ports

EXAMPLES = Path(__file__).parents[2] / "examples"


def invoke(home: Path, *arguments: str, base: int | str = "") -> tuple[int, str]:
    result = CliRunner().invoke(
        commands,
        ["run", "--once", "--examples", str(EXAMPLES), *arguments],
        env={"TENANTRY_HOME": str(home), "TENANTRY_PORT_BASE": str(base), "COLUMNS": "500"},
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


def test_a_port_in_use_is_one_sentence_with_a_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = invoke(tmp_path, base=port)
    assert status == 1
    first, second = said.splitlines()
    assert first == f"tenantry: Port {port}, for the control plane, cannot be had: Address already in use."
    assert "TENANTRY_PORT_BASE" in second


def test_a_base_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    assert invoke(tmp_path, base="http") == (
        1,
        "tenantry: TENANTRY_PORT_BASE is 'http', not a number from 1 to 65533.\n",
    )


def test_damaged_credentials_are_one_sentence_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{")
    status, said = invoke(tmp_path)
    assert status == 1
    assert "credentials.json cannot be read: damaged" in said
    assert "Remove it" in said


def test_a_home_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    status, said = invoke(tmp_path / "home")
    assert status == 1
    assert "a file in place of a folder" in said


def test_a_home_in_use_is_one_sentence(tmp_path: Path) -> None:
    with open_home(tmp_path):
        status, said = invoke(tmp_path)
    assert status == 1
    assert "Another `tenantry run` is using" in said


def test_a_damaged_database_is_told_with_what_postgresql_says(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("rubbish")
    status, said = invoke(tmp_path, base=find_free_ports().base)
    assert status == 1
    assert "could not access the server configuration file" in said
    assert "The PostgreSQL stopped by itself" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_while_setting_up_stops_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def interrupt(*_: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr("tenantry.cli.run.ensure_credentials", interrupt)
    before = signal.getsignal(number)
    assert invoke(tmp_path) == (130, "Interrupted; everything is stopped.\n")
    assert signal.getsignal(number) is before
