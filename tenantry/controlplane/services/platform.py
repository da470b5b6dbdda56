"""All use cases together, as the entry points are given them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenantry.controlplane.services.api_keys import ApiKeys
from tenantry.controlplane.services.audit import Audit
from tenantry.controlplane.services.authentication import Authentication
from tenantry.controlplane.services.bundles import Bundles
from tenantry.controlplane.services.changes import TenantChanges
from tenantry.controlplane.services.definitions import Definitions
from tenantry.controlplane.services.labels import Labels
from tenantry.controlplane.services.tenants import Tenants
from tenantry.controlplane.services.usage import Usage

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from tenantry.controlplane.services.clock import Clock
    from tenantry.controlplane.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The use cases, by what they are about."""

    authentication: Authentication
    tenants: Tenants
    definitions: Definitions
    labels: Labels
    audit: Audit
    api_keys: ApiKeys
    usage: Usage
    bundles: Bundles


def make_services(database: Database, signing_key: Ed25519PrivateKey, clock: Clock) -> Services:
    """The use cases over one database, signing bundles with one key, by one clock."""
    changes = TenantChanges(database, signing_key, clock)
    return Services(
        authentication=Authentication(database, clock),
        tenants=Tenants(database, changes),
        definitions=Definitions(database, changes),
        labels=Labels(database, changes),
        audit=Audit(database),
        api_keys=ApiKeys(database, changes),
        usage=Usage(database),
        bundles=Bundles(database),
    )
