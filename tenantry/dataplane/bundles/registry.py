"""The registry: which tenants this data plane serves, at which revision. Read by every request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenantry.dataplane.bundles.tenant import ServedTenant, parse_spec
from tenantry.dataplane.tasks.runner import CallRunner
from tenantry.protocol.bundles import BundleError
from tenantry.tenants.egress import compile_egress_policy
from tenantry.tenants.identity import TenantId

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenantry.dataplane.cache.results import ResultCache
    from tenantry.dataplane.circuits.port import Circuits
    from tenantry.dataplane.clock import Clock
    from tenantry.dataplane.tasks.http_client import HttpClient
    from tenantry.protocol.bundles import Bundle, BundledKey
    from tenantry.tenants.egress import EgressPolicy


class Registry:
    """Tenants by name, and API keys by id. A bundle is swapped in whole or not at all.

    Args:
        connect: gives a client bound to a tenant's egress policy.
        circuits: of all tenants.
        cache: results of all tenants.
        clock: what circuits and cache go by.
    """

    def __init__(
        self,
        connect: Callable[[EgressPolicy], HttpClient],
        *,
        circuits: Circuits,
        cache: ResultCache,
        clock: Clock,
    ) -> None:
        self._connect = connect
        self._circuits, self._cache, self._clock = circuits, cache, clock
        self._tenants: dict[TenantId, ServedTenant] = {}
        self._clients: dict[TenantId, HttpClient] = {}
        self._key_owners: dict[str, TenantId] = {}

    def tenant(self, name: str) -> ServedTenant | None:
        """The tenant, if it is served here."""
        return self._tenants.get(TenantId(name))

    def key(self, key_id: str) -> tuple[ServedTenant, BundledKey] | None:
        """The API key of that id and the tenant it belongs to."""
        owner = self._key_owners.get(key_id)
        if owner is None:
            return None
        tenant = self._tenants[owner]
        return tenant, tenant.keys[key_id]

    def revisions(self) -> dict[str, int]:
        """Revision by tenant."""
        return {name: tenant.bundle.revision for name, tenant in self._tenants.items()}

    async def install(self, bundle: Bundle) -> None:
        """Swaps a verified bundle in.

        Raises:
            BundleError: its revision is lower than the one served, or its content cannot be served.
        """
        name = TenantId(bundle.tenant)
        former = self._tenants.get(name)
        if former is not None and bundle.revision < former.bundle.revision:
            raise BundleError(
                f"revision {bundle.revision} of {name} is older than the one served, {former.bundle.revision}"
            )
        try:
            spec = parse_spec(bundle)
            policy = compile_egress_policy(spec.egress.allow)
            stays = former is not None and former.spec.egress == spec.egress
            client = self._clients[name] if stays else self._connect(policy)
            runner = CallRunner(
                tenant=name, client=client, circuits=self._circuits, cache=self._cache, clock=self._clock
            )
            tenant = ServedTenant(bundle, spec, runner)
        except ValueError as error:
            raise BundleError(f"revision {bundle.revision} of {name} cannot be served: {error}") from error
        if former is not None:
            tenant.adopt_plans(former)
            self._forget_keys(former)
        self._tenants[name] = tenant
        self._key_owners.update(dict.fromkeys(tenant.keys, name))
        retired = self._clients.get(name)
        self._clients[name] = client
        if retired is not None and retired is not client:
            await retired.close()  # connections opened under the old policy must not outlive it

    async def drop(self, name: str) -> None:
        """Forgets a tenant that is gone."""
        tenant = self._tenants.pop(TenantId(name), None)
        if tenant is not None:
            self._forget_keys(tenant)
            await self._clients.pop(tenant.name).close()

    async def close(self) -> None:
        """Closes every tenant's connections."""
        for client in self._clients.values():
            await client.close()

    def _forget_keys(self, tenant: ServedTenant) -> None:
        for key in tenant.keys:
            if self._key_owners.get(key) == tenant.name:
                del self._key_owners[key]
