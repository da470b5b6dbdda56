"""A store that fails before or after its commits: callers who ask again get their answers, each once."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.dataplane import run_data_plane, served_bundle
from tests.support.reliability.store_faults import MOMENTS, faulty_store
from tests.support.shop import shop_documents
from tests.support.testapi import serve_testapi

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORDERS = 12


@pytest.mark.parametrize("moment", MOMENTS)
async def test_whoever_asks_again_is_answered_and_executed_once(
    moment: str, make_database: Callable[[], str], tmp_path: Path
) -> None:
    with serve_testapi() as address, faulty_store(moment) as store:
        bundle = served_bundle(documents=shop_documents(address))
        async with run_data_plane(make_database(), tmp_path, bundle) as plane:
            answers = [await plane.execute("welcome", {"userId": 1}) for _ in range(ORDERS)]
            listed = await plane.ask("GET", "/workflows/welcome/executions?limit=100")
    assert store.injected >= ORDERS // 3
    assert [answer.status_code for answer in answers] == [200] * ORDERS
    assert {one["status"] for one in listed.json()["executions"]} == {"completed"}
    assert len(listed.json()["executions"]) == ORDERS


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_module_of_the_gateway_s_suite_passes_on_such_a_store(moment: str) -> None:
    module = "tests/dataplane/gateway/test_responses.py"
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", module, f"--store-faults={moment}"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own)
    assert ran.returncode == 0, ran.stdout
