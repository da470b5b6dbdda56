"""What a GraphQL request carries to its resolvers: who asks, the use cases, and batched look-ups."""

from typing import TypeAlias

import strawberry
from strawberry.dataloader import DataLoader

from tenantry.controlplane.services.platform import Services
from tenantry.tenants.roles import Principal


class Context:
    """One request's. The loaders live as long as it does, so nothing is remembered between callers."""

    def __init__(self, actor: Principal, services: Services) -> None:
        self.actor, self.services = actor, services
        self.definition_counts = DataLoader(load_fn=self._count_definitions)

    async def _count_definitions(self, tenants: list[str]) -> list[list[tuple[str, int]]]:
        return await self.services.tenants.count_definitions(self.actor, tenants)


Info: TypeAlias = strawberry.Info[Context, None]
