"""Tenants as a data plane gets them: signed bundles with definitions and keys."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tenantry.dataplane.bundles.registry import Registry
from tenantry.dataplane.cache.results import ResultCache
from tenantry.dataplane.circuits.memory import MemoryCircuits
from tenantry.language.documents.parsing import parse_documents
from tenantry.language.values import canonical_json
from tenantry.protocol.bundles import Bundle, BundledDefinition, BundledKey
from tenantry.tenants.api_keys import hash_token, make_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenantry.dataplane.tasks.http_client import HttpClient
    from tenantry.tenants.egress import EgressPolicy

SIGNING_KEY: Final = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
RATE_CARD: Final = {"currency": "EUR", "invocations": "0.001", "task_attempts": "0.0001"}


def make_registry(connect: Callable[[EgressPolicy], HttpClient]) -> Registry:
    """A registry of no tenant yet, with circuits and results of its own."""
    return Registry(connect, circuits=MemoryCircuits(), cache=ResultCache(), clock=lambda: 0.0)


def make_bundle(
    tenant: str = "acme",
    revision: int = 1,
    *,
    documents: str = "",
    spec: dict[str, Any] | None = None,
    keys: Iterable[BundledKey] = (),
    suspended: bool = False,
    rate_card: dict[str, str] | None = None,
) -> Bundle:
    """A tenant's bundle. `documents` are workflows and tasks as an author writes them."""
    return Bundle(
        tenant=tenant,
        revision=revision,
        spec=spec or {},
        suspended=suspended,
        definitions=tuple(bundled(documents)),
        keys=tuple(keys),
        rate_card=RATE_CARD if rate_card is None else rate_card,
    )


def bundled(documents: str) -> Iterable[BundledDefinition]:
    """The documents as they travel, each in its first version."""
    if not documents:
        return
    parsed = parse_documents(documents)
    assert not parsed.findings, parsed.findings
    for document in parsed.documents:
        digest = hashlib.sha256(canonical_json(document.raw)).hexdigest()
        yield BundledDefinition(
            kind=document.kind, name=document.name, version=1, digest=digest, document=document.raw
        )


def token_for(tenant: str, role: str) -> str:
    """The token of the tenant's one key of that role."""
    return make_token(f"{tenant}-{role}", hashlib.sha256(f"{tenant}/{role}".encode()).digest())


def key_for(tenant: str, role: str, expires_at: float | None = None) -> BundledKey:
    """That key, as it travels."""
    return BundledKey(
        id=f"{tenant}-{role}", hash=hash_token(token_for(tenant, role)), role=role, expires_at=expires_at
    )
