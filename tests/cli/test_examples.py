from __future__ import annotations

from pathlib import Path

import pytest

from tenantry.cli.examples import ExampleRun, ExamplesError, read_run, read_tenants
from tenantry.cli.ports import Ports

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_each_folder_is_a_tenant_with_all_its_documents() -> None:
    tenants = read_tenants(EXAMPLES, Ports())
    assert [tenant.name for tenant in tenants] == sorted(
        path.parent.name for path in EXAMPLES.glob("*/tenant.yaml")
    )
    for tenant in tenants:
        files = [
            *(EXAMPLES / tenant.name).glob("tasks/*.yaml"),
            *(EXAMPLES / tenant.name).glob("workflows/*.yaml"),
        ]
        assert tenant.definitions.count("apiVersion:") == len(files)


def test_the_test_api_is_called_where_the_ports_put_it(tmp_path: Path) -> None:
    (tmp_path / "acme" / "tasks").mkdir(parents=True)
    (tmp_path / "acme" / "tenant.yaml").write_text("kind: WorkflowTenant")
    (tmp_path / "acme" / "tasks" / "a.yaml").write_text('url: "http://127.0.0.1:8082/users"')
    (tenant,) = read_tenants(tmp_path, Ports(9080))
    assert tenant.definitions == 'url: "http://127.0.0.1:9082/users"'


def test_a_folder_without_tenants_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ExamplesError, match="No example tenants in"):
        read_tenants(tmp_path, Ports())


def test_a_run_belongs_to_the_tenant_it_lies_with(tmp_path: Path) -> None:
    path = tmp_path / "acme" / "runs" / "first.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("workflow: checkout\ninput: {orderId: 1}\nstatus: 200\n")
    assert read_run(path) == ExampleRun("acme", "checkout", {"orderId": 1})


@pytest.mark.parametrize("content", ["", "workflow: a", "[1]", "workflow: {", "input: 1"])
def test_a_file_that_is_no_run_is_reported(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(content)
    with pytest.raises(ExamplesError, match="is no run"):
        read_run(path)


def test_a_run_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ExamplesError, match="No such file"):
        read_run(tmp_path / "none.yaml")
