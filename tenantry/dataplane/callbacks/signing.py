"""Signatures of Standard Webhooks 1.0, and the secrets they are made with: derived, so none is stored.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenantry.tenants.identity import TenantId

_SECRET_BYTES: Final = 32
_PURPOSE: Final = b"tenantry/callbacks/v1/"


class CallbackSecrets:
    """The tenants' secrets, from the installation's masters.

    Args:
        masters: newest first; without one nothing can be signed. While there are several, what is sent bears
            a signature of each, so that receivers may change from one secret to the next when they like.
    """

    def __init__(self, masters: Sequence[bytes]) -> None:
        self._masters = tuple(masters)

    @property
    def available(self) -> bool:
        """Whether callbacks can be signed at all."""
        return bool(self._masters)

    def of(self, tenant: TenantId) -> tuple[bytes, ...]:
        """The tenant's secrets, newest first: HKDF-SHA256 (RFC 5869) of each master for the tenant's name."""
        return tuple(
            HKDF(SHA256(), _SECRET_BYTES, salt=None, info=_PURPOSE + tenant.encode()).derive(master)
            for master in self._masters
        )


def show_secret(secret: bytes) -> str:
    """The secret as people and libraries exchange it: `whsec_` and base64."""
    return f"whsec_{base64.b64encode(secret).decode()}"


def sign(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a message, with one signature for each secret.

    Args:
        secrets: at least one.
        message_id: the same for every try; without a full stop, which separates what is signed.
        timestamp: of this try, in epoch seconds.
        body: as it is sent.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
