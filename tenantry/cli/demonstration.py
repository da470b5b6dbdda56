"""One execution, shown: the call, the answer, the trace as a waterfall, what it cost, and a line to paste."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, Final

from rich.json import JSON
from rich.markup import escape

from tenantry.cli.data_plane import DataPlane, DataPlaneError
from tenantry.cli.waterfall import draw_waterfall

if TYPE_CHECKING:
    from rich.console import Console

    from tenantry.cli.examples import ExampleRun
    from tenantry.cli.ports import Ports

RECORDED_SECONDS: Final = 5.0


def demonstrate(run: ExampleRun, token: str, ports: Ports, console: Console) -> None:
    """Executes the workflow through its public endpoint and prints what came of it.

    Raises:
        DataPlaneError: it was not answered with its output.
    """
    with DataPlane(ports.data_plane, run.tenant, token) as data_plane:
        url = data_plane.execute_url(run.workflow)
        answer = data_plane.execute(run.workflow, run.input)
        if not answer.is_success:
            raise DataPlaneError(
                f"The workflow {run.workflow} of {run.tenant} was answered with {answer.status_code}.",
                evidence=answer.text,
            )
        execution = f"executions/{answer.headers['Execution-Id']}"
        detail = data_plane.get(execution, RECORDED_SECONDS)
        trace = data_plane.get(f"{execution}/trace", RECORDED_SECONDS)
    console.print(f"\n[bold]POST {escape(url)}[/]\n{escape(json.dumps(run.input))}", soft_wrap=True)
    console.print(f"\n[bold]{answer.status_code} {answer.reason_phrase}[/]")
    console.print(JSON(answer.text))
    console.print(f"\n[bold]Trace[/] of execution {detail['id']}")
    console.print(draw_waterfall(trace))
    console.print(f"\n[bold]Cost[/] {detail['cost']['amount']} {detail['cost']['currency']}")
    console.print("\n[bold]Call it yourself[/]")
    console.print(escape(curl_line(url, token, run.input)), soft_wrap=True, highlight=False)


def curl_line(url: str, token: str, value: Any) -> str:
    """The same call for a shell."""
    headers = (f"Authorization: Bearer {token}", "Content-Type: application/json")
    options = [word for header in headers for word in ("-H", header)]
    return shlex.join(["curl", "-s", url, *options, "-d", json.dumps(value)])
