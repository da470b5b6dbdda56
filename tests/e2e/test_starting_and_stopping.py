"""Starting again, being stopped, being killed: `tenantry run` with everything real."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tenantry.cli.home import open_home
from tests.support.platform import Place, ServingPlatform
from tests.support.ports import find_free_ports

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def place(make_place: Callable[[], Place]) -> Place:
    """A home that a first start has filled; each test leaves it stopped."""
    place = make_place()
    first = place.run_once()
    assert first.returncode == 0, first.stderr
    return place


def has_left_nothing(place: Place) -> bool:
    """Whether the ports are free and no process holds the home's locks."""
    place.ports.check_free()
    with open_home(place.home):
        return True


def test_a_second_start_reuses_everything(place: Place) -> None:
    private = [place.home / name for name in ("credentials.json", "secrets.json")]
    before = [path.read_bytes() for path in private]
    platform = ServingPlatform(place)
    try:
        caller = place.credentials["tenants"]["acme-corp"]["caller"]
        workflows = place.get(caller, "acme-corp", "workflows")["workflows"]
        executions = place.get(caller, "acme-corp", "workflows/checkout/executions")["executions"]
    finally:
        platform.stop()
    assert [path.read_bytes() for path in private] == before
    assert {workflow["version"] for workflow in workflows} == {1}
    assert len(executions) > 1


def test_the_same_home_starts_on_other_ports(place: Place) -> None:
    moved = Place(place.home, find_free_ports())
    before = place.credentials
    shown = moved.run_once()
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert f"127.0.0.1:{moved.ports.data_plane}/tenants/acme-corp" in shown.stdout
    assert moved.credentials == before
    assert has_left_nothing(moved)


def test_another_example_can_be_shown(place: Place) -> None:
    shown = place.run_once("--execution", "globex/runs/product-page.yaml")
    assert shown.returncode == 0, shown.stderr
    assert "/tenants/globex/api/v1/workflows/product-page/execute" in shown.stdout
    assert has_left_nothing(place)


def test_ctrl_c_ends_everything_in_an_orderly_way(place: Place) -> None:
    assert ServingPlatform(place).stop() == (0, "")
    assert has_left_nothing(place)
    assert not (place.home / "postgres" / "postmaster.pid").exists()  # shut down, not killed


def test_after_a_kill_the_next_start_recovers(place: Place) -> None:
    before = place.credentials
    platform = ServingPlatform(place)
    platform.send(signal.SIGKILL)
    platform.finish()
    again = place.run_once()
    assert again.returncode == 0, again.stderr
    assert place.credentials == before


def test_after_a_kill_of_everything_the_next_start_recovers(place: Place) -> None:
    platform = ServingPlatform(place)
    platform.send(signal.SIGKILL)
    for pid in place.pids:
        os.killpg(pid, signal.SIGKILL)
    platform.finish()
    again = place.run_once()
    assert again.returncode == 0, again.stderr


def test_a_process_that_dies_ends_the_run_and_is_reported(place: Place) -> None:
    platform = ServingPlatform(place)
    os.kill(place.pids[-1], signal.SIGKILL)
    status, errors = platform.finish()
    assert status == 1
    assert "The test API stopped by itself (signal SIGKILL)." in errors
    assert has_left_nothing(place)


def test_lost_credentials_are_issued_anew_and_the_old_ones_revoked(place: Place) -> None:
    lost = place.credentials
    (place.home / "credentials.json").unlink()
    platform = ServingPlatform(place)
    try:
        assert place.credentials["tenants"].keys() == lost["tenants"].keys()
        for token in (lost["platformAdmin"], lost["tenants"]["acme-corp"]["admin"]):
            with pytest.raises(AssertionError, match="unauthenticated"):
                place.graphql(token, "{ __typename }")
    finally:
        platform.stop()
