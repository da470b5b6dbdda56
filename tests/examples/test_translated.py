"""Published workflows of other systems, translated: valid, and doing what they promise on a real plane."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tenantry.language.codes import Code
from tenantry.language.graph.actions import task_refs
from tenantry.language.validation import validate_task, validate_workflow
from tests.support.dataplane import DataPlane, run_data_plane
from tests.support.examples import promised_part
from tests.support.testapi import serve_testapi
from tests.support.translated import (
    SHARED,
    TRANSLATED,
    TranslatedRun,
    bundle_of,
    documents_of,
    earlier_documents_of,
    effect,
    library_of,
    systems,
    translated_examples,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tenantry.language.documents.document import Document
    from tenantry.language.findings import Finding
    from tenantry.language.validation import Library

HEADER: Final = re.compile(r"# Follows: (?:.*\n#   )+https://\S+\n# Differs: .+\n(?:#   .+\n)*apiVersion: ")

FAIL_ON_PURPOSE: Final = {
    (Code.UNCOVERED_VALUE, "fail-after-all"),
    (Code.UNCOVERED_VALUE, "http-success-condition"),
    (Code.UNCOVERED_VALUE, "job-poller"),
}
"""Warnings that are meant: a switch without a fitting case is how a workflow fails by its own decision."""


@pytest.fixture(scope="module")
def test_api() -> Iterator[str]:
    with serve_testapi() as address:
        yield address.removeprefix("http://")


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
        for document in (*documents_of(system), *earlier_documents_of(system))
        for finding in findings_of(document, library)
    ]
    unmeant = [one for one in found if one[:2] not in FAIL_ON_PURPOSE]
    assert unmeant == []


@pytest.mark.parametrize("system", systems())
def test_names_are_unique_within_a_system(system: str) -> None:
    names = [(document.kind, document.name) for document in documents_of(system)]
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


@pytest.mark.parametrize("system", systems())
async def test_translated_workflows_do_what_they_promise(
    system: str, test_api: str, make_database: Callable[[], str], tmp_path: Path
) -> None:
    async with run_data_plane(make_database(), tmp_path, bundle_of(system, test_api)) as plane:
        for example in translated_examples(system):
            for run in example.runs:
                happened = await done(plane, test_api, example.workflow, run)
                assert happened == promised(run), (str(example), run.input)


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
