"""The commands of `workflow`, their options and exit codes.

0 fine, 1 findings that refuse the documents (with `--strict` warnings, too), 2 the command cannot be done.
"""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from tenantry.cli.author.judging import Judged, judge
from tenantry.cli.author.plans import Plans
from tenantry.cli.author.printing import as_json, describe, summary
from tenantry.cli.author.sources import Sources, SourcesError, read_sources
from tenantry.language.findings import Severity
from tenantry.language.plan.explain import explain_dot, explain_json, explain_mermaid, explain_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.language.documents.model import Workflow
    from tenantry.language.plan.model import Plan

REFUSED: Final = 1
USAGE: Final = 2

commands = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)

Paths = Annotated[
    list[str], typer.Argument(help="Files, folders, or - for standard input.", show_default=False)
]
With = Annotated[
    list[str] | None,
    typer.Option("--with", help="Files or folders the documents may refer to, about which nothing is said."),
]


class Output(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"


class PlanFormat(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    JSON = "json"
    DOT = "dot"
    MERMAID = "mermaid"


_WRITERS: Final[dict[PlanFormat, Callable[[Plan], str]]] = {
    PlanFormat.TEXT: explain_text,
    PlanFormat.JSON: lambda plan: json.dumps(explain_json(plan), indent=2) + "\n",
    PlanFormat.DOT: explain_dot,
    PlanFormat.MERMAID: explain_mermaid,
}


@commands.callback()
def workflow() -> None:
    """Workflows of Tenantry, for those who write them."""


@commands.command("validate")
def validate_command(
    paths: Paths,
    *,
    others: With = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings refuse, too.")] = False,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print.")] = Output.TEXT,
) -> None:
    """Say everything that is wrong with definitions, judged together as the control plane would.

    Exit codes: 0 fine, 1 refused, 2 the files cannot be judged.
    """
    sources, judged = _judge(paths, others)
    if output is Output.JSON:
        typer.echo(as_json(judged, sources))
    else:
        console = Console(highlight=False, soft_wrap=True)
        _print_findings(judged, sources, console)
        console.print(escape(summary(judged, sources)))
    if judged.count(Severity.ERROR) or (strict and judged.findings):
        raise typer.Exit(REFUSED)


@commands.command("plan")
def plan_command(
    paths: Paths,
    *,
    name: Annotated[str | None, typer.Option("--workflow", help="Which one, of several.")] = None,
    others: With = None,
    output: Annotated[
        PlanFormat, typer.Option("--format", "--output", "-o", help="How to print.")
    ] = PlanFormat.TEXT,
) -> None:
    """Show what a workflow does: in which order, for how long at most, and which way.

    Exit codes: 0 shown, 1 refused, 2 the files cannot be judged or hold no such workflow.
    """
    sources, judged = _judge(paths, others)
    _print_findings(judged, sources, Console(stderr=True, highlight=False, soft_wrap=True))
    if judged.count(Severity.ERROR):
        raise typer.Exit(REFUSED)
    plan = Plans(judged.library).plan(_choose(judged, name))
    typer.echo(_WRITERS[output](plan), nl=False)


def _judge(paths: list[str], others: list[str] | None) -> tuple[Sources, Judged]:
    try:
        sources = read_sources(paths, sys.stdin.buffer)
        return sources, judge(sources.texts, read_sources(others or [], sys.stdin.buffer).texts)
    except SourcesError as error:
        raise _usage(error) from None


def _choose(judged: Judged, name: str | None) -> Workflow:
    names = [document.name for document in judged.documents if document.kind == "Workflow"]
    if name is None and len(names) == 1:
        name = names[0]
    if name in names:
        return judged.library.workflows[name]
    known = f"There are: {', '.join(names)}." if names else ""
    said = "Say which with --workflow." if name is None else f"There is no workflow {name}."
    if not names:
        said = "There is no workflow in these files."
    raise _usage(SourcesError(said, hint=known))


def _print_findings(judged: Judged, sources: Sources, console: Console) -> None:
    for finding in judged.findings:
        console.print(describe(finding, sources.texts))


def _usage(error: SourcesError) -> typer.Exit:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[red]workflow:[/] {escape(str(error))}")
    if error.hint:
        console.print(escape(error.hint))
    return typer.Exit(USAGE)
