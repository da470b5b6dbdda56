"""API keys: the form of a token, its hash, its check. Issued by the control plane, checked by both.

A token is shown once; only its hash is kept. Its secret is at least 128 random bits, so a plain SHA-256 is
enough: there is nothing to guess that a slow hash would protect.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tenantry.tenants.identity import Instant

MIN_SECRET_BYTES: Final = 16

_KEY_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_TOKEN: Final = re.compile(r"tnt_([A-Za-z0-9-]{1,64})_[A-Za-z0-9]{20,200}")


def make_token(key_id: str, secret: bytes) -> str:
    """The token `tnt_<id>_<secret>` of a key, the secret in base32 so that a double click selects it whole.

    Raises:
        ValueError: the id holds anything but letters, digits and dashes, or the secret is under 16 bytes.
    """
    if _KEY_ID.fullmatch(key_id) is None:
        raise ValueError(f"not a key id: {key_id!r}")
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"a secret has at least {MIN_SECRET_BYTES} random bytes")
    return f"tnt_{key_id}_{base64.b32encode(secret).decode().rstrip('=').lower()}"


def parse_token(token: str) -> str | None:
    """The key id inside a token, or `None` when the text is not one; whether it is genuine says `matches`."""
    match = _TOKEN.fullmatch(token)
    return match[1] if match else None


def hash_token(token: str) -> str:
    """What is stored of a token: its SHA-256, in hex."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def matches(token: str, token_hash: str) -> bool:
    """Whether the token is the one that was hashed; takes the same time wherever they differ."""
    return hmac.compare_digest(hash_token(token).encode(), token_hash.encode(errors="surrogatepass"))


def has_expired(expires_at: Instant | None, now: Instant) -> bool:
    """Whether a key may no longer be used; one without an end never expires."""
    return expires_at is not None and now >= expires_at
