"""The last verified bundle of every tenant, kept on disk: enough to start without a control plane."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from tenantry.protocol.bundles import Bundle, BundleError, SignedBundle, decode_signed, encode, verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_LOG = logging.getLogger(__name__)


class BundleDirectory:
    """One file per tenant, written whole or not at all, readable by the owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def load(self, key: Ed25519PublicKey) -> Iterator[Bundle]:
        """Every bundle that verifies; a damaged one is logged and left where it is."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield verify(decode_signed(path.read_bytes()), key)
            except (BundleError, OSError) as error:
                _LOG.error("the bundle %s is not used: %s", path.name, error)

    def save(self, tenant: str, signed: SignedBundle) -> None:
        """Replaces the tenant's file atomically."""
        path = self._folder / f"{tenant}.json"
        draft = path.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(encode(signed))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def remove(self, tenant: str) -> None:
        """Forgets a tenant."""
        (self._folder / f"{tenant}.json").unlink(missing_ok=True)
