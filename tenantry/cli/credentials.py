"""What `tenantry run` generates once: tokens for people, and secrets for the planes to know each other by."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tenantry.cli.private_files import load_private, save_private
from tenantry.tenants.api_keys import make_token, parse_token

if TYPE_CHECKING:
    from tenantry.cli.home import Home

_SECRET_BYTES: Final = 32


class TenantCredentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tenant's tokens: `admin` manages it, `caller` executes its workflows."""

    admin: str
    caller: str


class Credentials(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The content of `credentials.json`. Tenants by name."""

    platform_admin: str
    tenants: dict[str, TenantCredentials] = {}

    def __post_init__(self) -> None:
        """Refuses a platform token that is none; `msgspec` reports it like any other damage."""
        if parse_token(self.platform_admin) is None:
            raise ValueError("platformAdmin is not an API key")

    def with_tenant(self, name: str, tokens: TenantCredentials) -> Credentials:
        """The same with this tenant's tokens."""
        return msgspec.structs.replace(self, tenants={**self.tenants, name: tokens})


class PlaneSecrets(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The content of `secrets.json`.

    Attributes:
        data_plane_token: what the data plane shows to the control plane.
        signing_key: what bundles are signed with: a raw Ed25519 private key in base64.
        callback_secret: what tenants' secrets for callbacks are derived from, in base64.
    """

    data_plane_token: str
    signing_key: str
    callback_secret: str

    def __post_init__(self) -> None:
        """Refuses a key or secret that is none; `msgspec` reports it like any other damage."""
        Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.signing_key, validate=True))
        if len(base64.b64decode(self.callback_secret, validate=True)) < _SECRET_BYTES:
            raise ValueError("callbackSecret is too short")

    @property
    def bundle_public_key(self) -> str:
        """What bundles are verified with: the raw public key in base64."""
        private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.signing_key))
        return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def ensure_credentials(home: Home) -> Credentials:
    """The credentials of this home; the platform's are made when there are none yet.

    Raises:
        PrivateFileError: the file is damaged.
    """
    credentials = load_private(home.credentials, Credentials)
    if credentials is None:
        token = make_token(f"platform-{secrets.token_hex(4)}", secrets.token_bytes(32))
        credentials = Credentials(platform_admin=token)
        save_private(home.credentials, credentials)
    return credentials


def ensure_plane_secrets(home: Home) -> PlaneSecrets:
    """The planes' secrets of this home, made when there are none yet.

    Raises:
        PrivateFileError: the file is damaged.
    """
    plane_secrets = load_private(home.secrets, PlaneSecrets)
    if plane_secrets is None:
        key = Ed25519PrivateKey.generate().private_bytes_raw()
        plane_secrets = PlaneSecrets(
            data_plane_token=secrets.token_urlsafe(32),
            signing_key=base64.b64encode(key).decode(),
            callback_secret=base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode(),
        )
        save_private(home.secrets, plane_secrets)
    return plane_secrets
