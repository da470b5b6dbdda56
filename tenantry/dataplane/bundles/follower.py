"""Follows the control plane: long-polls the index; fetches, verifies, swaps in and keeps what changed."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx

from tenantry.protocol.bundles import BundleEntry, BundleError, decode_index, decode_signed, verify

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from tenantry.dataplane.bundles.disk import BundleDirectory
    from tenantry.dataplane.bundles.registry import Registry
    from tenantry.protocol.bundles import SignedBundle

WAIT_SECONDS: Final = 25
RETRY_SECONDS: Final = 2.0

_LOG = logging.getLogger(__name__)


class BundleFollower:
    """Keeps a registry in step with the control plane, for ever; an unreachable one changes nothing.

    Attributes:
        synchronised: set once the registry has agreed with the control plane since the start.
        rejected: by tenant, why its newest bundle is not served; readiness shows how many.
    """

    def __init__(
        self, client: httpx.AsyncClient, registry: Registry, directory: BundleDirectory, key: Ed25519PublicKey
    ) -> None:
        self._client, self._registry, self._directory, self._key = client, registry, directory, key
        self._index_tag = ""
        self._digests: dict[str, str] = {}
        self.synchronised = asyncio.Event()
        self.rejected: dict[str, str] = {}

    async def load_from_disk(self) -> None:
        """Serves what was kept."""
        for bundle in self._directory.load(self._key):
            try:
                await self._registry.install(bundle)
            except BundleError as error:
                _LOG.error("%s", error)

    async def follow(self) -> None:
        """Polls until cancelled."""
        while True:
            try:
                await self.poll(WAIT_SECONDS)
            except (httpx.HTTPError, BundleError) as error:
                _LOG.warning("the control plane gave not all bundles, serving the last ones: %r", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def poll(self, wait_seconds: int) -> None:
        """Waits for a change of the index, at most so long, and applies it.

        Raises:
            httpx.HTTPError: the control plane did not answer well.
            BundleError: its index cannot be read.
        """
        headers = {"If-None-Match": self._index_tag, "Prefer": f"wait={wait_seconds}"}
        if not self._index_tag:
            headers = {}
        response = await self._client.get("/internal/v1/bundles", headers=headers, timeout=wait_seconds + 10)
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            return
        response.raise_for_status()
        entries = decode_index(response.content).entries
        for gone in self._registry.revisions().keys() - {entry.tenant for entry in entries}:
            await self._forget(gone)
        await self._fetch_all([one for one in entries if self._digests.get(one.tenant) != one.digest])
        self.synchronised.set()
        self._index_tag = response.headers.get("ETag", "")
        if not self._index_tag:  # without one the next poll would not wait
            raise BundleError("the index has no ETag")

    async def _fetch_all(self, changed: list[BundleEntry]) -> None:
        """One tenant's bundle that cannot be had does not keep the others from theirs."""
        failure: httpx.HTTPError | None = None
        for entry in changed:
            try:
                await self._fetch(entry)
            except httpx.HTTPError as error:
                self.rejected[entry.tenant] = repr(error)
                failure = error
        if failure is not None:
            raise failure

    async def _fetch(self, entry: BundleEntry) -> None:
        response = await self._client.get(f"/internal/v1/bundles/{entry.tenant}")
        if response.status_code == HTTPStatus.NOT_FOUND:
            return  # deleted since the index was made; the next one says so
        response.raise_for_status()
        try:
            signed = decode_signed(response.content)
            bundle = verify(signed, self._key)
            if bundle.tenant != entry.tenant:
                raise BundleError(f"the bundle of {entry.tenant} is for another tenant")  # noqa: TRY301  (one way to refuse)
            await self._registry.install(bundle)
        except BundleError as error:
            self.rejected[entry.tenant] = str(error)
            _LOG.error("%s; the last one stays", error)
        else:
            self.rejected.pop(entry.tenant, None)
            await self._keep(entry.tenant, signed)
        # Remembered even when refused: the same content would only be refused again.
        self._digests[entry.tenant] = entry.digest

    async def _keep(self, tenant: str, signed: SignedBundle) -> None:
        try:
            await asyncio.to_thread(self._directory.save, tenant, signed)
        except OSError as error:
            _LOG.error("the bundle of %s is served, but will not survive a restart: %s", tenant, error)

    async def _forget(self, tenant: str) -> None:
        await self._registry.drop(tenant)
        self._digests.pop(tenant, None)
        self.rejected.pop(tenant, None)
        await asyncio.to_thread(self._directory.remove, tenant)
