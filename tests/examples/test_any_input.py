"""If it deploys, it works: every translated workflow on a real data plane, with inputs nobody wrote down."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings

from tenantry.protocol.problems import CONTENT_TYPE, TYPE_BASE
from tests.support.dataplane import run_data_plane
from tests.support.inputs import inputs_of
from tests.support.testapi import serve_testapi
from tests.support.translated import bundle_of, library_of, systems, translated_examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from tenantry.language.documents.model import Workflow
    from tenantry.protocol.bundles import Bundle

    Execute = Callable[[str, Any], httpx.Response]

INPUTS: Final = 8
HONEST: Final = {"upstream-status", "upstream-timeout", "no-case", "deadline"}
"""Failures that nobody could have known of: of an upstream, of time, or on purpose."""


@pytest.fixture(scope="module")
def test_api() -> Iterator[str]:
    with serve_testapi() as address:
        yield address.removeprefix("http://")


@contextmanager
def executing(bundle: Bundle, database_url: str, folder: Path) -> Iterator[Execute]:
    """A data plane asked from outside its event loop, as Hypothesis does."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        plane = runner.run(stack.enter_async_context(run_data_plane(database_url, folder, bundle)))
        try:
            yield lambda workflow, value: runner.run(plane.execute(workflow, value))
        finally:
            runner.run(stack.aclose())


@pytest.mark.parametrize("system", systems())
def test_no_valid_input_fails_for_a_reason_that_could_have_been_known(
    system: str, test_api: str, make_database: Callable[[], str], tmp_path: Path
) -> None:
    workflows = library_of(system).workflows
    with executing(bundle_of(system, test_api), make_database(), tmp_path) as execute:
        for example in translated_examples(system):
            check_inputs(execute, workflows[example.workflow])


def check_inputs(execute: Execute, workflow: Workflow) -> None:
    @settings(max_examples=INPUTS, derandomize=True)
    @given(inputs_of(workflow.spec.input or {"type": "object"}))
    def check(value: Any) -> None:
        response = execute(workflow.name, value)
        assert problem_of(response) in {None, *HONEST}, response.text

    check()


def problem_of(response: httpx.Response) -> str | None:
    """The code of the problem that is answered, if one is."""
    if response.headers["content-type"] != CONTENT_TYPE:
        return None
    return str(response.json()["type"]).removeprefix(TYPE_BASE)
