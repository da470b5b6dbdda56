"""The application: both entry points over one set of use cases, with what lives as long as the process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from tenantry.controlplane.graphql.endpoint import GraphQLEndpoint
from tenantry.controlplane.graphql.schema import make_schema
from tenantry.controlplane.rest.data_planes import DataPlaneEndpoints
from tenantry.controlplane.rest.health import HealthEndpoints
from tenantry.controlplane.rest.problems import HANDLERS
from tenantry.controlplane.services.clock import utc_now
from tenantry.controlplane.services.platform import make_services
from tenantry.controlplane.settings import Environment
from tenantry.controlplane.store.database import MIGRATIONS, Database, connect
from tenantry.controlplane.store.notifications import BundleChanges
from tenantry.postgres.migration import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tenantry.controlplane.services.clock import Clock
    from tenantry.controlplane.settings import Settings


class ControlPlane:
    """The process's parts: `prepare` the database, then let a server run `app`, then `close`."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._engine = connect(settings.database_url)
        self._database = Database(self._engine)
        self._changes = BundleChanges(settings.database_url)
        self._services = make_services(self._database, settings.signing_key, clock)
        self.app = self._make_app()

    def drain(self) -> None:
        """Ends every long poll at once; called before the server waits for its requests to end."""
        self._changes.close()

    def _make_app(self) -> Starlette:
        services, settings = self._services, self._settings
        schema = make_schema(introspection=settings.environment is Environment.DEVELOPMENT)
        data_planes = DataPlaneEndpoints(
            settings.data_plane_token, services.bundles, services.usage, self._changes
        )
        app = Starlette(
            routes=[
                *HealthEndpoints(self._database.check).routes(),
                *GraphQLEndpoint(schema, services).routes(),
                *data_planes.routes(),
            ],
            exception_handlers=HANDLERS,
            lifespan=self._lifespan,
        )
        app.router.redirect_slashes = False  # one address per resource, whatever a path looks like
        return app

    async def prepare(self) -> None:
        """Migrates the database and puts the platform-admin's key into it.

        Raises:
            OSError: nobody listens at the database's address.
            SQLAlchemyError: it refuses.
            DatabaseUnavailableError: it went away meanwhile.
        """
        await migrate(self._settings.database_url, MIGRATIONS)
        await self._services.authentication.ensure_bootstrap_key(self._settings.platform_admin_token)

    async def close(self) -> None:
        """Closes the connections to the database."""
        await self._database.close()

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self._changes:
            yield
