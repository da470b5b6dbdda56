"""What older versions journaled folds to the same state, and can be gone on with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest

from tenantry.dataplane.engine.core import control
from tenantry.dataplane.engine.core.decide import advance
from tenantry.dataplane.engine.core.events import AnyEvent
from tests.golden.produce import produce
from tests.support.golden import described, events_in, fold, histories

if TYPE_CHECKING:
    from pathlib import Path


def named(path: Path) -> str:
    return f"{path.parts[-3]}/{path.stem}"


def read(path: Path) -> dict[str, Any]:
    history: dict[str, Any] = json.loads(path.read_text())
    return history


@pytest.mark.parametrize("path", histories(), ids=named)
def test_a_history_folds_to_the_state_it_folded_to(path: Path) -> None:
    history = read(path)
    assert described(fold(history["source"], events_in(history))) == history["state"]


@pytest.mark.parametrize("path", histories(), ids=named)
def test_another_executor_can_go_on_from_any_point_of_a_history(path: Path) -> None:
    history = read(path)
    events = events_in(history)
    for length in range(1, len(events) + 1):
        state = fold(history["source"], events[:length])
        over = state.ended
        now = events[length - 1].at + 1
        recovered = control.recover(state, "another", now)
        assert over is not bool(recovered)
        advance(state, None, now)


def test_every_kind_of_event_is_in_some_history() -> None:
    kinds = {event["type"] for path in histories() for event in read(path)["events"]}
    assert kinds == {kind.__name__ for kind in get_args(AnyEvent)}


def test_what_is_there_is_never_written_again(tmp_path: Path) -> None:
    kept = tmp_path / "chain.json"
    kept.write_text("golden")
    produce(tmp_path)
    assert kept.read_text() == "golden"
    assert (tmp_path / "retries.json").exists()
