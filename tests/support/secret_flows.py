"""Workflows and tasks with secrets, for tests of where secrets go."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.documents.report import Report
from tenantry.language.validation.library import Library
from tenantry.language.validation.taint import check_secrets, check_task_secrets

if TYPE_CHECKING:
    from tenantry.language.findings import Finding


def task_text(name: str, spec: str) -> str:
    head = f"apiVersion: workflow.io/v1\nkind: WorkflowTask\nmetadata: {{name: {name}}}\n"
    return f"{head}spec:\n{indent(spec, '  ')}\n"


KEY = "{name: KEY, source: vault, path: a, key: k}"
OTHER = "{name: OTHER, source: vault, path: b, key: k}"
TASKS = "---\n".join(
    task_text(name, spec)
    for name, spec in (
        ("send", 'type: http\nrequest: {url: "https://x.example.com/", headers: {A: "{{input.a}}"}}'),
        ("by-url", 'type: http\nrequest: {url: "https://x.example.com/{{input.a.b}}/{{input.list[1]}}"}'),
        ("in-url", 'type: http\nrequest: {url: "https://x.example.com/{{input.a}}"}'),
        ("tenants-url", 'type: http\nrequest: {url: "https://x.example.com/{{tenant.name}}"}'),
        ("cached", 'type: http\nrequest: {url: "https://x.example.com/"}\ncache: {ttl: 1s}'),
        (
            "keyed",
            'type: http\nrequest: {url: "https://x.example.com/"}\ncache: {ttl: 1s, key: "{{input.id}}"}',
        ),
        (
            "sign",
            'type: transform\nvalue: {auth: "Bearer {{input.a}}", id: "{{input.id}}", l: ["{{input.a}}"]}',
        ),
        ("same", 'type: transform\nvalue: "{{input}}"'),
        ("query", "type: transform\nexpression: a"),
        ("fixed", "type: transform\nvalue: 1"),
        (
            "own",
            (
                f"type: http\nsecrets: [{KEY}]\n"
                'request: {url: "https://x.example.com/", headers: {A: "{{secrets.KEY}}"}}'
            ),
        ),
    )
)


def library(*sources: str) -> Library:
    documents = parse_documents(TASKS).documents
    tasks = [WorkflowTask.model_validate(one.raw) for one in documents]
    return Library(tasks={one.name: one for one in tasks}, secret_sources=frozenset(sources or ("vault",)))


def judged(spec: str, *sources: str) -> tuple[Finding, ...]:
    text = f"apiVersion: workflow.io/v1\nkind: Workflow\nmetadata: {{name: w}}\nspec:\n{indent(spec, '  ')}\n"
    (document,) = parse_documents(text).documents
    report = Report(document)
    check_secrets(Workflow.model_validate(document.raw), library(*sources), report)
    return report.findings()


def told(spec: str, *sources: str) -> list[str]:
    return [
        f"{one.code} {one.pointer.removeprefix('/spec/')}: {one.message}" for one in judged(spec, *sources)
    ]


def judged_task(spec: str) -> tuple[Finding, ...]:
    (document,) = parse_documents(task_text("t", spec)).documents
    report = Report(document)
    check_task_secrets(WorkflowTask.model_validate(document.raw), report)
    return report.findings()


def told_task(spec: str) -> list[str]:
    return [f"{one.code} {one.pointer.removeprefix('/spec/')}: {one.message}" for one in judged_task(spec)]


def step(does: str, more: str = "", secrets: str = KEY, name: str = "s") -> str:
    return f"  - {{id: {name}, {does}, secrets: [{secrets}]{more}}}\n"


GIVEN = ', input: {a: "{{secrets.KEY}}"}'
SIGNED = "tasks:\n" + step(
    "taskRef: sign", ', input: {a: "{{secrets.KEY}}", id: "{{input.id}}"}', name="signed"
)
