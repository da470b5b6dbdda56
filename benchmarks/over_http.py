"""The rows measured over HTTP: throughput at 32 connections, latency at one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.alternation import Settings, alternate
from benchmarks.rows import Better, Row

if TYPE_CHECKING:
    from benchmarks.load import Measurement
    from benchmarks.targets import Targets

_CONNECTIONS: Final = 32
_THROUGHPUT_TARGET: Final = 0.7
_ADDED_TARGET_MS: Final = 1.5
_TAIL_TARGET: Final = 3.0


def measure_chain(targets: Targets, settings: Settings) -> list[Row]:
    """Throughput of the chain of three."""
    return _measure_throughput("chain of three", "chain", targets, settings)


def measure_fan_out(targets: Targets, settings: Settings) -> list[Row]:
    """Throughput of the fan-out of five."""
    return _measure_throughput("fan-out of five", "fan-out", targets, settings)


def measure_latency(targets: Targets, settings: Settings) -> list[Row]:
    """What Tenantry adds to the chain for a single client."""
    ours, bare = alternate((targets.tenantry, targets.aiohttp), "chain", 1, settings)
    our_p50, bare_p50 = ours.median(_p50), bare.median(_p50)
    added = our_p50 - bare_p50
    tail = ours.median(_tail)
    return [
        Row(
            name="latency at one client, chain of three vs aiohttp",
            ours=f"{our_p50:.2f} ms",
            beside=f"{bare_p50:.2f} ms",
            ratio=ours.ratio(bare, _p50),
            better=Better.LOWER,
            target=f"≤ {_ADDED_TARGET_MS} ms added ({added:.2f})",
            met=added <= _ADDED_TARGET_MS,
        ),
        Row(
            name="p99 vs p50 at one client, chain of three",
            ours=f"{ours.median(lambda measurement: measurement.p99_ms):.2f} ms",
            beside=f"{our_p50:.2f} ms",
            ratio=tail,
            better=Better.LOWER,
            target=f"≤ {_TAIL_TARGET:.0f}",
            met=tail <= _TAIL_TARGET,
        ),
    ]


def _measure_throughput(title: str, workload: str, targets: Targets, settings: Settings) -> list[Row]:
    ours, on_aiohttp, on_httpx = alternate(
        (targets.tenantry, targets.aiohttp, targets.httpx), workload, _CONNECTIONS, settings
    )
    rate = f"{ours.median(_per_second):,.0f}/s"
    on_bare = ours.ratio(on_aiohttp, _per_second)
    return [
        Row(
            name=f"{title} vs aiohttp",
            ours=rate,
            beside=f"{on_aiohttp.median(_per_second):,.0f}/s",
            ratio=on_bare,
            target=f"≥ {_THROUGHPUT_TARGET}, then 1.0",
            met=on_bare >= _THROUGHPUT_TARGET,
        ),
        Row(
            name=f"{title} vs httpx",
            ours=rate,
            beside=f"{on_httpx.median(_per_second):,.0f}/s",
            ratio=ours.ratio(on_httpx, _per_second),
        ),
    ]


def _per_second(measurement: Measurement) -> float:
    return measurement.per_second


def _p50(measurement: Measurement) -> float:
    return measurement.p50_ms


def _tail(measurement: Measurement) -> float:
    return measurement.p99_ms / measurement.p50_ms
