"""The data plane's settings, from the environment and nowhere else."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_PORT: Final = 65535
_MAX_SECONDS: Final = 3600
_MIN_SECRET_BYTES: Final = 32
_TENANT_HOST: Final = re.compile(
    r"[a-z0-9-]{0,32}\{tenant\}[a-z0-9-]{0,32}(\.[a-z0-9-]{1,63})+", re.IGNORECASE
)


class SettingsError(Exception):
    """A setting is missing or wrong; the message says which and what to do."""


class RedisDown(StrEnum):
    """What becomes of limits while Redis cannot be asked.

    `LOCAL`: each replica admits its part of every limit. `OPEN`: everything is admitted. `CLOSED`: nothing.
    """

    LOCAL = "local"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this data plane runs.

    Attributes:
        name: names this process in usage events (`source`), as `executor` where an execution was taken over,
            and as its OpenTelemetry instance; replicas that share it are told apart nowhere there.
        database_url: `postgresql://` address of its own database.
        control_plane_url: where bundles come from and usage goes; empty: it serves what is on disk.
        data_plane_token: its credential at the control plane.
        bundle_key: the control plane's public key; a bundle signed by another is refused.
        bundle_directory: where the last bundles are kept.
        tenant_host: tenants' own host names, with `{tenant}` for the tenant's; empty: they have none.
        drain_seconds: how long a stop waits for executions in flight.
        lease_seconds: so long after its last sign of life others take over what it ran.
        callback_secrets: what callbacks are signed with, newest first; none: there are no callbacks.
        redis_url: the Redis that replicas of this data plane share; empty: each keeps everything to itself.
        redis_down: what becomes of limits while that Redis cannot be asked.
        exports_spans: executions are told to a collector, as OpenTelemetry's own variables say.
    """

    name: str
    database_url: str
    control_plane_url: str
    data_plane_token: str
    bundle_key: Ed25519PublicKey
    bundle_directory: Path
    host: str = "127.0.0.1"
    port: int = 8081
    tenant_host: str = ""
    drain_seconds: float = 10.0
    lease_seconds: float = 15.0
    callback_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    redis_url: str = field(default="", repr=False)
    redis_down: RedisDown = RedisDown.LOCAL
    exports_spans: bool = False


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Reads the `TENANTRY_*` variables, and of the `OTEL_*` ones whether spans are exported.

    Raises:
        SettingsError: naming the variable.
    """
    control_plane_url = environment.get("TENANTRY_CONTROL_PLANE_URL", "")
    if control_plane_url:
        _check_address(control_plane_url, "TENANTRY_CONTROL_PLANE_URL", ("http", "https"))
    database_url = _required(environment, "TENANTRY_DATABASE_URL", "a postgresql:// address")
    _check_address(database_url, "TENANTRY_DATABASE_URL", ("postgresql",))
    return Settings(
        name=environment.get("TENANTRY_DATA_PLANE_NAME", "default"),
        database_url=database_url,
        control_plane_url=control_plane_url,
        data_plane_token=_required(
            environment, "TENANTRY_DATA_PLANE_TOKEN", "its credential at the control plane"
        )
        if control_plane_url
        else "",
        bundle_key=_public_key(
            _required(environment, "TENANTRY_BUNDLE_PUBLIC_KEY", "the control plane's Ed25519 key in base64")
        ),
        bundle_directory=Path(
            _required(environment, "TENANTRY_BUNDLE_DIRECTORY", "a folder for the last bundles")
        ),
        host=environment.get("TENANTRY_HOST", "127.0.0.1"),
        port=_port(environment.get("TENANTRY_PORT", "8081")),
        tenant_host=_tenant_host(environment.get("TENANTRY_TENANT_HOST", "")),
        drain_seconds=_seconds(environment, "TENANTRY_DRAIN_SECONDS", "10", least=0),
        lease_seconds=_seconds(environment, "TENANTRY_LEASE_SECONDS", "15", least=1),
        callback_secrets=_secrets(environment.get("TENANTRY_CALLBACK_SECRETS", "")),
        redis_url=_redis_url(environment.get("TENANTRY_REDIS_URL", "")),
        redis_down=_redis_down(environment.get("TENANTRY_REDIS_DOWN", RedisDown.LOCAL)),
        exports_spans=_exports_spans(environment),
    )


def _required(environment: Mapping[str, str], name: str, what: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"set {name}: {what}")
    return value


def _check_address(text: str, name: str, schemes: tuple[str, ...]) -> None:
    try:
        parts = urlsplit(text)
        good = parts.scheme in schemes and parts.port != 0
    except ValueError:
        good = False
    if not good:  # the address itself is not repeated: it may hold a password
        raise SettingsError(f"{name} is not a {schemes[0]}:// address")


def _tenant_host(text: str) -> str:
    if text and _TENANT_HOST.fullmatch(text) is None:
        reason = "a host name with {tenant} in the place of the tenant's, such as {tenant}.api.example.com"
        raise SettingsError(f"TENANTRY_TENANT_HOST is not {reason}: {text[:100]!r}")
    return text


def _redis_url(text: str) -> str:
    if text:
        _check_address(text, "TENANTRY_REDIS_URL", ("redis", "rediss", "unix"))
    return text


def _redis_down(text: str) -> RedisDown:
    try:
        return RedisDown(text)
    except ValueError:
        raise SettingsError(f"TENANTRY_REDIS_DOWN is not one of {', '.join(RedisDown)}: {text!r}") from None


def _exports_spans(environment: Mapping[str, str]) -> bool:
    """Whether an address is given to export spans to, and no other variable says otherwise."""
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    given = [name for name in names if environment.get(name)]
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if not given or disabled or environment.get("OTEL_TRACES_EXPORTER", "otlp").strip() != "otlp":
        return False
    for name in given:
        _check_address(environment[name], name, ("http", "https"))
    for name in ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"):
        if environment.get(name, "http/protobuf") != "http/protobuf":
            raise SettingsError(f"{name}: spans are exported by http/protobuf and no other protocol")
    return True


def _public_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except ValueError:
        raise SettingsError(
            "TENANTRY_BUNDLE_PUBLIC_KEY is not a raw Ed25519 public key (32 bytes) in base64"
        ) from None


def _secrets(text: str) -> tuple[bytes, ...]:
    if not text:
        return ()
    try:
        secrets = tuple(base64.b64decode(one.strip(), validate=True) for one in text.split(","))
    except ValueError:
        secrets = (b"",)
    if any(len(secret) < _MIN_SECRET_BYTES for secret in secrets):  # not repeated: it may be nearly right
        raise SettingsError(
            f"TENANTRY_CALLBACK_SECRETS is not a list of at least {_MIN_SECRET_BYTES} bytes each, in base64"
        )
    return secrets


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= _MAX_PORT):  # noqa: PLR2004  (five digits suffice)
        raise SettingsError(f"TENANTRY_PORT is not a port: {text!r}")
    return int(text)


def _seconds(environment: Mapping[str, str], name: str, default: str, *, least: int) -> float:
    text = environment.get(name, default)
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and least <= int(text) <= _MAX_SECONDS):  # noqa: PLR2004  (four digits suffice)
        raise SettingsError(f"{name} is not a whole number from {least} to {_MAX_SECONDS}")
    return float(text)
