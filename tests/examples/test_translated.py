"""Published workflows of other systems, translated: valid, and doing what they promise on a real plane."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tenantry.language.codes import Code
from tenantry.language.documents.model import Workflow, WorkflowTask
from tenantry.language.documents.reading import read
from tenantry.language.graph.actions import task_refs, workflow_refs
from tenantry.language.validation import Library, validate_task, validate_workflow
from tenantry.language.validation.library import workflow_key
from tests.support.dataplane import DataPlane, run_data_plane, served_bundle
from tests.support.examples import promised_part
from tests.support.testapi import serve_testapi
from tests.support.translated import (
    SHARED,
    TRANSLATED,
    TranslatedExample,
    TranslatedRun,
    documents_of,
    effect,
    systems,
    text_of,
    translated_examples,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tenantry.language.documents.document import Document
    from tenantry.language.findings import Finding

HEADER: Final = re.compile(r"# Follows: (?:.*\n#   )+https://\S+\n# Differs: .+\n(?:#   .+\n)*apiVersion: ")

FAILING_ON_PURPOSE: Final = {
    (Code.UNCOVERED_VALUE, "fail-after-all"),
    (Code.UNCOVERED_VALUE, "http-success-condition"),
    (Code.UNCOVERED_VALUE, "job-poller"),
}
"""Warnings that are meant: a switch without a fitting case is how a workflow fails by its own decision."""


@pytest.fixture(scope="module")
def test_api() -> Iterator[str]:
    with serve_testapi() as address:
        yield address.removeprefix("http://")


def library_of(system: str) -> Library:
    """Everything of a system, each workflow also under the selectors it is referred to by."""
    found = [document for _, document in documents_of(system)]
    tasks = [read(document, WorkflowTask)[0] for document in found if document.kind == "WorkflowTask"]
    workflows = [read(document, Workflow)[0] for document in found if document.kind == "Workflow"]
    named = {workflow.name: workflow for workflow in workflows if workflow is not None}
    for workflow in tuple(named.values()):
        for reference in workflow_refs(workflow.spec.tasks):
            key = workflow_key(reference, workflow.metadata.namespace)
            named[key] = named[key.partition("@")[0]]
    return Library(tasks={task.name: task for task in tasks if task is not None}, workflows=named)


def findings_of(document: Document, library: Library) -> tuple[Finding, ...]:
    """What validation has to say of a document, beside everything it may refer to."""
    if document.kind == "WorkflowTask":
        return validate_task(document)[1]
    return validate_workflow(document, library)[1]


@pytest.mark.parametrize("system", systems())
def test_validation_only_warns_where_a_workflow_means_to_fail(system: str) -> None:
    library = library_of(system)
    found = [
        (finding.code, document.name, finding.message)
        for _, document in documents_of(system)
        for finding in findings_of(document, library)
    ]
    unmeant = [one for one in found if one[:2] not in FAILING_ON_PURPOSE]
    assert unmeant == []


@pytest.mark.parametrize("system", systems())
def test_names_are_unique_within_a_system(system: str) -> None:
    names = [(document.kind, document.name) for _, document in documents_of(system)]
    assert sorted(set(names)) == sorted(names)


def test_each_task_is_used_somewhere() -> None:
    used, defined = set(), set()
    for system in systems():
        library = library_of(system)
        defined |= set(library.tasks)
        used |= {name for workflow in library.workflows.values() for name in task_refs(workflow.spec.tasks)}
    assert defined - used == set()


def test_each_header_says_what_is_followed_where_it_is_and_what_differs() -> None:
    without = [
        str(example) for example in translated_examples() if not HEADER.match(example.path.read_text())
    ]
    assert without == []


def test_the_readme_names_each_translated_workflow() -> None:
    text = (TRANSLATED / "README.md").read_text()
    assert [str(example) for example in translated_examples() if f"({example}.yaml)" not in text] == []


def test_at_least_six_of_each_system_are_translated() -> None:
    count = dict.fromkeys(systems(), 0)
    for example in translated_examples():
        count[example.system] += 1
    assert min(count.values()) >= 6
    assert sum(count.values()) >= 40
    assert SHARED not in count


@pytest.mark.parametrize("example", translated_examples(), ids=str)
async def test_a_translated_workflow_does_what_it_promises(
    example: TranslatedExample, test_api: str, make_database: Callable[[], str], tmp_path: Path
) -> None:
    bundle = served_bundle(documents=text_of(example.system, test_api))
    async with run_data_plane(make_database(), tmp_path, bundle) as plane:
        for run in example.runs:
            assert await done(plane, test_api, example.workflow, run) == promised(run), run.input


def promised(run: TranslatedRun) -> dict[str, Any]:
    """What a run says will happen."""
    return {
        "status": run.status,
        "headers": run.headers,
        "answer": run.answer,
        "body": run.body,
        "effects": sorted(run.effects),
    }


async def done(plane: DataPlane, test_api: str, workflow: str, run: TranslatedRun) -> dict[str, Any]:
    """What happened when it ran, of the answer only what was promised."""
    async with httpx.AsyncClient(base_url=f"http://{test_api}") as upstream:
        await upstream.delete("/journal")
        response = await plane.execute(workflow, run.input)
        journal = (await upstream.get("/journal")).json()["entries"]
    return {
        "status": response.status_code,
        "headers": {name: response.headers.get(name) for name in run.headers},
        "answer": None if run.answer is None else promised_part(run.answer, response.json()),
        "body": None if run.body is None else response.text,
        "effects": sorted(map(effect, journal)),
    }
