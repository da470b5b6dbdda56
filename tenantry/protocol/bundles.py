"""Bundles: everything a data plane needs of one tenant, as one signed, content-addressed snapshot.

Invariants: a revision never goes down; the digest is that of the bytes signed; nothing unsigned is read. Keys
keep their order: an answer has its members in the order its author wrote them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.exceptions import InvalidSignature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class BundleError(Exception):
    """A bundle is damaged, unsigned, signed by somebody else, or not for this reader."""


class BundledDefinition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One version of a `Workflow` or `WorkflowTask`. `document` is the document as applied, as JSON.

    A workflow is called by its name in the tenant: with its namespace, if it has one, and a slash before.
    """

    kind: str
    name: str
    version: int
    digest: str
    document: dict[str, Any]


class BundledKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An API key the data plane accepts. `hash` is SHA-256 of the token, hex; `expires_at` epoch seconds."""

    id: str
    hash: str
    role: str
    expires_at: float | None = None


class Bundle(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tenant's snapshot.

    Attributes:
        revision: grows with every change of the tenant.
        spec: the `WorkflowTenant` spec as applied.
        definitions: the current version of every definition.
        pinned: older versions of workflows: those that references choose, at any distance, and those that
            callers may.
        references: the version that each reference with a selector means, such as `billing/invoice@stable`.
        labels: the version of a workflow that each of its labels means to callers, under the same keys.
        rate_card: unit price by meter as decimal strings, with `currency`; see `tenants.rate_card`.
    """

    tenant: str
    revision: int
    spec: dict[str, Any]
    suspended: bool = False
    definitions: tuple[BundledDefinition, ...] = ()
    pinned: tuple[BundledDefinition, ...] = ()
    references: dict[str, int] = {}
    labels: dict[str, int] = {}
    keys: tuple[BundledKey, ...] = ()
    rate_card: dict[str, str] = {}


class SignedBundle(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What travels and what a data plane keeps on disk: payload, its digest, an Ed25519 signature."""

    payload: bytes
    digest: str
    signature: bytes


class BundleEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the index: which revision of a tenant's bundle is current."""

    tenant: str
    revision: int
    digest: str


class BundleIndex(msgspec.Struct, frozen=True, kw_only=True):
    """What a data plane polls: one entry per tenant it serves. A tenant that is not named is gone."""

    entries: tuple[BundleEntry, ...] = ()


def sign(bundle: Bundle, key: Ed25519PrivateKey) -> SignedBundle:
    """Encodes and signs."""
    payload = msgspec.json.encode(bundle)
    return SignedBundle(
        payload=payload, digest=hashlib.sha256(payload).hexdigest(), signature=key.sign(payload)
    )


def verify(signed: SignedBundle, key: Ed25519PublicKey) -> Bundle:
    """Checks signature and digest, then decodes.

    Raises:
        BundleError: with the reason.
    """
    try:
        key.verify(signed.signature, signed.payload)
    except InvalidSignature:
        raise BundleError("the signature does not match: not signed by this control plane") from None
    if hashlib.sha256(signed.payload).hexdigest() != signed.digest:
        raise BundleError("the digest does not match the content")
    try:
        return msgspec.json.decode(signed.payload, type=Bundle)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BundleError(f"not a bundle: {error}") from None


def encode(message: SignedBundle | BundleIndex) -> bytes:
    """The message as JSON."""
    return msgspec.json.encode(message)


def decode_signed(data: bytes) -> SignedBundle:
    """Reads what `encode` wrote; the signature is not yet checked.

    Raises:
        BundleError: the text is not a signed bundle.
    """
    try:
        return msgspec.json.decode(data, type=SignedBundle)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BundleError(f"not a signed bundle: {error}") from None


def decode_index(data: bytes) -> BundleIndex:
    """Reads an index.

    Raises:
        BundleError: the text is not an index.
    """
    try:
        return msgspec.json.decode(data, type=BundleIndex)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BundleError(f"not a bundle index: {error}") from None
