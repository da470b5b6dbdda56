"""What a GraphQL request carries to its resolvers: who asks, the use cases, and batched look-ups."""

from typing import TypeAlias

import strawberry
from strawberry.dataloader import DataLoader

from tenantry.controlplane.services.definitions import SOUND, BrokenDefinition
from tenantry.controlplane.services.platform import Services
from tenantry.tenants.roles import Principal

_Definition: TypeAlias = tuple[str, str, str]
"""Tenant, kind and name."""


class Context:
    """One request's. The loaders live as long as it does, so nothing is remembered between callers."""

    def __init__(self, actor: Principal, services: Services) -> None:
        self.actor, self.services = actor, services
        self.definition_counts = DataLoader(load_fn=self._count_definitions)
        self.labels = DataLoader(load_fn=self._load_labels)
        self.findings = DataLoader(load_fn=self._load_findings)

    async def _count_definitions(self, tenants: list[str]) -> list[list[tuple[str, int]]]:
        return await self.services.tenants.count_definitions(self.actor, tenants)

    async def _load_labels(self, definitions: list[_Definition]) -> list[list[tuple[str, int]]]:
        found: dict[_Definition, list[tuple[str, int]]] = {}
        for tenant in {tenant for tenant, _, _ in definitions}:
            names = {name for owner, _, name in definitions if owner == tenant}
            labels = await self.services.labels.find(self.actor, tenant, names)
            found |= {(tenant, *key): of_one for key, of_one in labels.items()}
        return [found.get(definition, []) for definition in definitions]

    async def _load_findings(self, definitions: list[_Definition]) -> list[BrokenDefinition]:
        found: dict[_Definition, BrokenDefinition] = {}
        for tenant in {tenant for tenant, _, _ in definitions}:
            broken = await self.services.definitions.broken(self.actor, tenant)
            found |= {(tenant, *key): one for key, one in broken.items()}
        return [found.get(definition, SOUND) for definition in definitions]


Info: TypeAlias = strawberry.Info[Context, None]
