"""Names of things: tenants and the instants decisions are taken at."""

from __future__ import annotations

from typing import NewType

TenantId = NewType("TenantId", str)
"""A tenant's name: unique, lower-case letters, digits and dashes, 1 to 63 characters."""

Instant = NewType("Instant", float)
"""Seconds since 1970-01-01T00:00:00Z."""
