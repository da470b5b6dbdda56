"""The schema of what became of a loop's items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenantry.language.documents.model import ForEach
from tenantry.language.schemas import compile_validator
from tenantry.language.validation.loops import results_of

if TYPE_CHECKING:
    from tenantry.language.values import Json

DONE = {"index": 0, "status": "completed", "output": 5}
FAILED = {"index": 1, "status": "failed", "output": None, "error": {"code": "timeout", "message": "late"}}
RESULTS: dict[str, Any] = {
    "outputs": [5],
    "itemCount": 2,
    "successCount": 1,
    "failureCount": 1,
    "itemResults": [DONE, FAILED],
}


def takes(value: Json) -> bool:
    loop = ForEach.model_validate({"items": "{{input.x}}", "maxItems": 2})
    return compile_validator(results_of({"type": "integer"}, loop)).is_valid(value)


def test_what_became_of_the_items_is_counted_and_listed() -> None:
    assert takes(RESULTS)


@pytest.mark.parametrize(
    "change",
    [
        {"outputs": ["x"]},
        {"outputs": [1, 2, 3]},
        {"itemCount": -1},
        {"successCount": 3},
        {"failureCount": None},
        {"itemResults": [DONE] * 3},
        {"itemResults": [DONE | {"index": -1}]},
        {"itemResults": [DONE | {"status": "done"}]},
        {"itemResults": [DONE | {"output": "x"}]},
        {"itemResults": [{"index": 0, "status": "skipped"}]},
        {"itemResults": [FAILED | {"error": {"code": "timeout"}}]},
        {"itemResults": [FAILED | {"error": {"code": "timeout", "message": 1}}]},
    ],
)
def test_nothing_else_can_come_of_them(change: dict[str, Json]) -> None:
    assert not takes(RESULTS | change)
