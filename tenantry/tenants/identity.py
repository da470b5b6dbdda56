"""Names of things: tenants and the instants decisions are taken at."""

from __future__ import annotations

import re
from typing import Final, NewType

TenantId = NewType("TenantId", str)
"""A tenant's name: unique, lower-case letters, digits and dashes, 1 to 63 characters."""

Instant = NewType("Instant", float)
"""Seconds since 1970-01-01T00:00:00Z."""

# An RFC 1123 label: a tenant's name is also its namespace's suffix and its host name's first label.
_TENANT_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def is_tenant_name(text: str) -> bool:
    """Whether the text may name a tenant: an RFC 1123 label, 1 to 63 characters."""
    return _TENANT_NAME.fullmatch(text) is not None
