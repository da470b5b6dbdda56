"""A workflow compiled from its plan's source does what it promises: every example, on a real data plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenantry.dataplane.bundles.plans import plan_from_source
from tenantry.language.plan.preview import preview
from tests.support.dataplane import run_data_plane
from tests.support.examples import promised_part
from tests.support.testapi import serve_testapi
from tests.support.translated import bundle_of, systems, translated_examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tenantry.dataplane.bundles.tenant import ServedTenant
    from tenantry.language.plan.model import Plan


@pytest.fixture(scope="module")
def test_api() -> Iterator[str]:
    with serve_testapi() as address:
        yield address.removeprefix("http://")


def remade(tenant: ServedTenant, workflow: str) -> tuple[Plan, Plan]:
    """A workflow's plan, and the one that another executor makes of its source."""
    plan = tenant.plan(workflow)
    assert plan is not None
    return plan, plan_from_source(tenant.source(plan).content)


@pytest.mark.parametrize("system", systems())
async def test_a_plan_from_its_source_does_what_the_workflow_promises(
    system: str,
    test_api: str,
    make_database: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with run_data_plane(make_database(), tmp_path, bundle_of(system, test_api)) as plane:
        tenant = plane.services.registry.tenant("acme")
        assert tenant is not None
        for example in translated_examples(system):
            plan, again = remade(tenant, example.workflow)
            monkeypatch.setattr(tenant, "ready_plan", lambda *_, plan=again: plan)
            run = example.runs[0]
            shown = [preview(one, run.input, tenant="acme") for one in (plan, again)]
            assert shown[0] == shown[1], str(example)
            response = await plane.execute(example.workflow, run.input)
            assert response.status_code == run.status, (str(example), response.text)
            if run.answer is not None:
                assert promised_part(run.answer, response.json()) == run.answer, str(example)
