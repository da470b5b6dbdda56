"""The commands, their options and exit codes: 0 done, 1 a failure told in a sentence, 130 interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tenantry.cli.failures import FrontDoorError
from tenantry.cli.ports import DEFAULT_BASE, Ports
from tenantry.cli.run import RunOptions, run

FAILED = 1
INTERRUPTED = 130

commands = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@commands.callback()
def tenantry() -> None:
    """Tenantry: multi-tenant synchronous workflows."""


@commands.command("run")
def run_command(
    *,
    once: Annotated[bool, typer.Option("--once", help="Stop after the workflow's answer.")] = False,
    home: Annotated[
        Path, typer.Option(envvar="TENANTRY_HOME", help="Folder of the state and the credentials.")
    ] = Path(".tenantry"),
    port_base: Annotated[
        str, typer.Option(envvar="TENANTRY_PORT_BASE", help="First of the three ports.")
    ] = str(DEFAULT_BASE),
    examples: Annotated[Path, typer.Option(help="Folder of the tenants to apply.")] = Path("examples"),
    execution: Annotated[
        Path, typer.Option(help="File of the execution to show, below the examples.")
    ] = Path("acme-corp/runs/checkout-approved.yaml"),
) -> None:
    """Start the platform on this machine, run a workflow, show its answer; then serve until Ctrl-C."""
    errors = Console(stderr=True)
    try:
        options = RunOptions(
            home=home, examples=examples, execution=execution, ports=Ports.parse(port_base), once=once
        )
        run(options, Console())
    except FrontDoorError as error:
        _report(error, errors)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        errors.print("Interrupted; everything is stopped.")
        raise typer.Exit(INTERRUPTED) from None


def _report(error: FrontDoorError, console: Console) -> None:
    if error.evidence:
        console.print(escape(error.evidence), style="dim", highlight=False, soft_wrap=True)
    console.print(f"[red]tenantry:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
    if error.hint:
        console.print(escape(error.hint), highlight=False, soft_wrap=True)
