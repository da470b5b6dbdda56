"""The processes of a run: the upstream, the bare handlers, and the data plane on a real PostgreSQL."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.documents import make_chain, make_definition, make_fan_out, make_tasks
from tenantry.cli.embedded_postgres import EmbeddedPostgres
from tenantry.cli.processes import ProcessGroup, ProcessSpec
from tenantry.protocol.bundles import Bundle, BundledKey, encode, sign
from tenantry.tenants.api_keys import hash_token, make_token
from tenantry.tenants.rate_card import DEFAULT_RATE_CARD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_HOST: Final = "127.0.0.1"
_TENANT: Final = "bench"
_START_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running server of both workloads.

    Attributes:
        urls: address by workload, `chain` and `fan-out`.
        database_url: of a data plane.
    """

    name: str
    urls: Mapping[str, str]
    headers: dict[str, str] = field(default_factory=dict)
    database_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Everything that is measured over HTTP, all of it running and calling the same upstream.

    `another` starts one more data plane like the first, on a database of its own.
    """

    tenantry: Target
    another: Callable[[str], Target]
    aiohttp: Target
    httpx: Target


@contextmanager
def run_targets(folder: Path) -> Iterator[Targets]:
    """Starts all targets with their files and logs in the folder, and stops them at the end."""
    with ProcessGroup(folder) as processes:
        port = _free_port()
        _start(processes, "upstream", port, "benchmarks.upstream", str(port))
        upstream = f"http://{_HOST}:{port}"
        postgres = EmbeddedPostgres(folder / "postgres")
        processes.start(postgres.prepare()).wait_ready(_START_SECONDS)

        def another(name: str) -> Target:
            return _start_data_plane(processes, folder / name, postgres, upstream)

        yield Targets(
            aiohttp=_start_bare(processes, "aiohttp", upstream),
            httpx=_start_bare(processes, "httpx", upstream),
            tenantry=another("dataplane"),
            another=another,
        )


def _start_bare(processes: ProcessGroup, client: str, upstream: str) -> Target:
    port = _free_port()
    _start(processes, f"bare {client}", port, f"benchmarks.bare.on_{client}", str(port), upstream)
    urls = {name: f"http://{_HOST}:{port}/{name}" for name in ("chain", "fan-out")}
    return Target(name=client, urls=urls)


def _start_data_plane(
    processes: ProcessGroup, folder: Path, postgres: EmbeddedPostgres, upstream: str
) -> Target:
    database = folder.name
    postgres.create_database(database)
    key = Ed25519PrivateKey.generate()
    token = make_token("bench", secrets.token_bytes(20))
    bundles = folder / "bundles"
    bundles.mkdir(parents=True)
    (bundles / f"{_TENANT}.json").write_bytes(encode(sign(_make_bundle(upstream, token), key)))
    port = _free_port()
    environment = {
        "TENANTRY_DATABASE_URL": postgres.url(database),
        "TENANTRY_DATA_PLANE_NAME": "bench",
        "TENANTRY_BUNDLE_PUBLIC_KEY": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        "TENANTRY_BUNDLE_DIRECTORY": str(bundles),
        "TENANTRY_HOST": _HOST,
        "TENANTRY_PORT": str(port),
    }
    _start(processes, database, port, "tenantry.dataplane", environment=environment)
    base = f"http://{_HOST}:{port}/tenants/{_TENANT}/api/v1/workflows"
    urls = {name: f"{base}/{name}/execute" for name in ("chain", "fan-out")}
    headers = {"Authorization": f"Bearer {token}"}
    return Target(name="Tenantry", urls=urls, headers=headers, database_url=postgres.url(database))


def _make_bundle(upstream: str, token: str) -> Bundle:
    documents = [*make_tasks(upstream), make_chain(), make_fan_out()]
    return Bundle(
        tenant=_TENANT,
        revision=1,
        # No limit would ever be reached, but every decision is taken.
        spec={
            "quotas": {"maxConcurrentWorkflows": 1000, "maxWorkflowsPerHour": 1_000_000_000},
            "rateLimit": {"requestsPerSecond": 1_000_000},
            "egress": {"allow": ["127.0.0.0/8"]},
        },
        definitions=tuple(map(make_definition, documents)),
        keys=(BundledKey(id="bench", hash=hash_token(token), role="caller"),),
        rate_card=DEFAULT_RATE_CARD.to_text(),
    )


def _start(
    processes: ProcessGroup,
    name: str,
    port: int,
    module: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Starts a module that serves on the port, and waits until it does."""
    spec = ProcessSpec(
        name=name,
        command=(sys.executable, "-m", module, *arguments),
        environment=environment or {},
        is_ready=lambda: _listens(port),
    )
    processes.start(spec).wait_ready(_START_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) == os.EX_OK
