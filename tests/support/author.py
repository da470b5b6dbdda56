"""An author at the command line `workflow`, in a folder, with a task and a workflow that uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from tenantry.cli.author.commands import commands

if TYPE_CHECKING:
    from pathlib import Path

TASK = """\
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: fetch}
spec:
  type: http
  inputSchema: {type: object, required: [id], properties: {id: {type: integer}}}
  outputSchema: {type: object, required: [name], properties: {name: {type: string}}}
  request: {method: GET, url: "https://users.example.com/{{input.id}}"}
  timeout: 2s
"""
WORKFLOW = """\
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: greet}
spec:
  input: {type: object, required: [userId], properties: {userId: {type: integer}}}
  tasks:
    - id: user
      taskRef: fetch
      input: {id: "{{input.userId}}"}
  output: "{{tasks.user.output.name}}"
"""


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Author:
    """Somebody at a command line in a folder."""

    folder: Path

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run(self, *arguments: str, given: str | bytes = "") -> Said:
        result = CliRunner().invoke(commands, list(arguments), input=given, env={"COLUMNS": "200"})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Said(result.exit_code, result.stdout, result.stderr)
