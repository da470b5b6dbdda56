"""Settings: everything the control plane is told from outside, all of it by the environment."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tenantry.tenants.api_keys import parse_token

if TYPE_CHECKING:
    from collections.abc import Mapping


class SettingsError(ValueError):
    """A setting is missing or makes no sense. The message is a sentence: which one, and what it takes."""


class Environment(StrEnum):
    """Where it runs; production answers no introspection."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `read_settings` found.

    Attributes:
        database_url: `TENANTRY_DATABASE_URL`, a `postgresql://` address.
        platform_admin_token: `TENANTRY_PLATFORM_ADMIN_TOKEN`, the API key everything begins with.
        data_plane_token: `TENANTRY_DATA_PLANE_TOKEN`, what data planes authenticate with.
        signing_key: `TENANTRY_SIGNING_KEY`, the Ed25519 private key of bundles, 32 bytes in base64.
        host: `TENANTRY_HOST`.
        port: `TENANTRY_PORT`.
        environment: `TENANTRY_ENVIRONMENT`.
    """

    database_url: str = field(repr=False)
    platform_admin_token: str = field(repr=False)
    data_plane_token: str = field(repr=False)
    signing_key: Ed25519PrivateKey = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8080
    environment: Environment = Environment.PRODUCTION


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Reads the environment.

    Raises:
        SettingsError: a setting is missing or makes no sense.
    """
    return Settings(
        database_url=_database_url(environ),
        platform_admin_token=_admin_token(environ),
        data_plane_token=_data_plane_token(environ),
        signing_key=_signing_key(environ),
        host=environ.get("TENANTRY_HOST", "127.0.0.1"),
        port=_port(environ),
        environment=_environment(environ),
    )


def _required(environ: Mapping[str, str], name: str, what: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set: it takes {what}")
    return value


def _database_url(environ: Mapping[str, str]) -> str:
    what = "the address of the database, such as postgresql://user@host/controlplane"
    value = _required(environ, "TENANTRY_DATABASE_URL", what)
    if not value.startswith("postgresql://"):
        raise SettingsError(f"TENANTRY_DATABASE_URL does not begin with postgresql://: it takes {what}")
    return value


def _admin_token(environ: Mapping[str, str]) -> str:
    what = "the first API key, tnt_<id>_<secret>, the secret 20 letters and digits or more"
    value = _required(environ, "TENANTRY_PLATFORM_ADMIN_TOKEN", what)
    if parse_token(value) is None:
        raise SettingsError(f"TENANTRY_PLATFORM_ADMIN_TOKEN is not an API key: it takes {what}")
    return value


def _data_plane_token(environ: Mapping[str, str]) -> str:
    what = "the secret that data planes send, 20 printable characters or more"
    value = _required(environ, "TENANTRY_DATA_PLANE_TOKEN", what)
    if len(value) < 20 or not value.isascii() or not value.isprintable() or " " in value:  # noqa: PLR2004
        raise SettingsError(f"TENANTRY_DATA_PLANE_TOKEN cannot be used: it takes {what}")
    return value


def _signing_key(environ: Mapping[str, str]) -> Ed25519PrivateKey:
    what = "an Ed25519 private key, 32 bytes in base64"
    value = _required(environ, "TENANTRY_SIGNING_KEY", what)
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        raise SettingsError(f"TENANTRY_SIGNING_KEY cannot be used: it takes {what}") from None


def _port(environ: Mapping[str, str]) -> int:
    value = environ.get("TENANTRY_PORT", "8080")
    if not (value.isascii() and value.isdigit() and int(value) < 2**16):
        raise SettingsError(f"TENANTRY_PORT is {value!r}: it takes a number from 0 to 65535")
    return int(value)


def _environment(environ: Mapping[str, str]) -> Environment:
    value = environ.get("TENANTRY_ENVIRONMENT", Environment.PRODUCTION.value)
    try:
        return Environment(value)
    except ValueError:
        raise SettingsError(
            f"TENANTRY_ENVIRONMENT is {value!r}: it takes development or production"
        ) from None
