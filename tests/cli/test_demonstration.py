from __future__ import annotations

import io
import shlex
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from tenantry.cli.data_plane import DataPlaneError
from tenantry.cli.demonstration import curl_line, demonstrate
from tenantry.cli.examples import ExampleRun
from tenantry.cli.ports import Ports

if TYPE_CHECKING:
    from tests.cli.conftest import ScriptedServer


def test_a_refused_execution_is_a_failure_with_the_answer(server: ScriptedServer) -> None:
    server.answer({"title": "A task failed"}, status=502)
    run, console = ExampleRun("acme", "checkout", {}), Console(file=io.StringIO())
    with pytest.raises(DataPlaneError, match="checkout of acme was answered with 502") as failure:
        demonstrate(run, "tnt_x", Ports(server.port - 1), console)
    assert "A task failed" in failure.value.evidence


def test_the_curl_line_survives_a_shell() -> None:
    line = curl_line("http://127.0.0.1:1/x", "tnt_a_b", {"name": "O'Brien $HOME `id`"})
    words = shlex.split(line)
    assert words[:3] == ["curl", "-s", "http://127.0.0.1:1/x"]
    assert words[-1] == """{"name": "O'Brien $HOME `id`"}"""
    assert "Authorization: Bearer tnt_a_b" in words
