"""Rows over HTTP: what is measured beside bare handlers has the target that the design gives it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import over_http
from benchmarks.alternation import Series, Settings
from benchmarks.load import Measurement

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.rows import Row

TARGETS: Any = SimpleNamespace(tenantry="tenantry", aiohttp="aiohttp", httpx="httpx")


def measured(per_second: int) -> Series:
    series = Series()
    series.rounds.append(Measurement(requests=1, failures=0, per_second=per_second, p50_ms=1.0, p99_ms=2.0))
    return series


@pytest.mark.parametrize("measure", [over_http.measure_chain, over_http.measure_fan_out])
@pytest.mark.parametrize(("ours", "met"), [(70, True), (69, False)])
def test_throughput_is_to_be_seven_tenths_of_the_bare_handlers(
    monkeypatch: pytest.MonkeyPatch, measure: Callable[..., list[Row]], ours: int, *, met: bool
) -> None:
    series = [measured(ours), measured(100), measured(50)]
    monkeypatch.setattr(over_http, "alternate", lambda *_: series)
    on_aiohttp, on_httpx = measure(TARGETS, Settings())
    assert (on_aiohttp.ratio, on_aiohttp.met) == (ours / 100, met)
    assert on_aiohttp.target.startswith("≥ 0.7")
    assert (on_httpx.target, on_httpx.met) == ("", None)
