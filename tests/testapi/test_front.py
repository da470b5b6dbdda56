"""The command line starts what it says; the reference page names everything there is."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import uvicorn
from starlette.routing import Route

from tenantry.testapi.__main__ import main
from tenantry.testapi.app import create_app
from tenantry.testapi.faults import HEADER_OF

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "test-api.md"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], ("127.0.0.1", 8082)), (["--host", "::1", "--port", "9000"], ("::1", 9000))],
)
def test_the_command_line_says_where_to_serve(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: tuple[str, int]
) -> None:
    served: list[tuple[str, int]] = []
    monkeypatch.setattr(sys, "argv", ["testapi", *arguments])
    monkeypatch.setattr(
        uvicorn.Server, "run", lambda server: served.append((server.config.host, server.config.port))
    )
    main()
    assert served == [expected]


def test_every_route_is_documented() -> None:
    documented = set(re.findall(r"^\| `([A-Z]+ [^`]+)`", REFERENCE.read_text(), re.MULTILINE))
    routes = {
        f"{method} {re.sub(':[a-z]+', '', route.path)}"
        for route in create_app().routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert documented == routes


def test_every_fault_is_documented() -> None:
    documented = set(
        re.findall(r"^\| `([a-zA-Z]+)=[^`]+` \| `([^`]+)` \|", REFERENCE.read_text(), re.MULTILINE)
    )
    assert {(name, header.lower()) for name, header in documented} == set(HEADER_OF.items())
