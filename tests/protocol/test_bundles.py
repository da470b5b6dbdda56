from __future__ import annotations

import hashlib

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tenantry.protocol.bundles import (
    Bundle,
    BundledDefinition,
    BundledKey,
    BundleEntry,
    BundleError,
    BundleIndex,
    decode_index,
    decode_signed,
    encode,
    sign,
    verify,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
DEEP = b'{"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)
DEFINITIONS = st.lists(
    st.builds(
        BundledDefinition,
        kind=NAMES,
        name=NAMES,
        version=st.integers(1, 100),
        digest=NAMES,
        document=st.dictionaries(NAMES, DOCUMENTS, max_size=3),
    ),
    max_size=3,
).map(tuple)
BUNDLES = st.builds(
    Bundle,
    tenant=NAMES,
    revision=st.integers(0, 2**53),
    spec=st.dictionaries(NAMES, DOCUMENTS, max_size=3),
    suspended=st.booleans(),
    definitions=DEFINITIONS,
    pinned=DEFINITIONS,
    references=st.dictionaries(NAMES, st.integers(1, 100), max_size=3),
    keys=st.lists(
        st.builds(BundledKey, id=NAMES, hash=NAMES, role=NAMES, expires_at=st.none() | st.floats(0, 2e9)),
        max_size=3,
    ).map(tuple),
    rate_card=st.dictionaries(NAMES, NAMES, max_size=3),
)


@given(BUNDLES)
def test_a_bundle_arrives_as_it_was_signed(bundle: Bundle) -> None:
    assert verify(decode_signed(encode(sign(bundle, KEY))), PUBLIC) == bundle


@given(BUNDLES)
def test_keys_arrive_in_the_order_their_author_wrote_them(bundle: Bundle) -> None:
    reordered = msgspec.structs.replace(bundle, spec=dict(reversed(list(bundle.spec.items()))))
    arrived = verify(decode_signed(encode(sign(reordered, KEY))), PUBLIC)
    assert list(arrived.spec) == list(reordered.spec)


@given(BUNDLES, BUNDLES)
def test_different_content_has_different_digests(one: Bundle, other: Bundle) -> None:
    if one != other:
        assert sign(one, KEY).digest != sign(other, KEY).digest
    assert sign(one, KEY).digest == sign(one, KEY).digest


@given(BUNDLES, st.data())
def test_no_bit_of_payload_or_signature_can_be_changed(bundle: Bundle, data: st.DataObject) -> None:
    signed = sign(bundle, KEY)
    field = data.draw(st.sampled_from(["payload", "signature"]))
    content = bytearray(getattr(signed, field))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BundleError, match="signature does not match"):
        verify(msgspec.structs.replace(signed, **{field: bytes(content)}), PUBLIC)


def test_a_bundle_of_another_control_plane_is_refused() -> None:
    with pytest.raises(BundleError, match="not signed by this control plane"):
        verify(sign(Bundle(tenant="acme", revision=1, spec={}), KEY), OTHER)


@pytest.mark.parametrize("signature", [b"", b"short", bytes(64), bytes(65)])
def test_an_empty_or_odd_signature_is_refused(signature: bytes) -> None:
    signed = sign(Bundle(tenant="acme", revision=1, spec={}), KEY)
    with pytest.raises(BundleError, match="signature does not match"):
        verify(msgspec.structs.replace(signed, signature=signature), PUBLIC)


def test_a_digest_that_belongs_to_other_content_is_refused() -> None:
    signed = sign(Bundle(tenant="acme", revision=1, spec={}), KEY)
    with pytest.raises(BundleError, match="digest"):
        verify(msgspec.structs.replace(signed, digest="0" * 64), PUBLIC)


def test_signed_content_that_is_no_bundle_is_refused() -> None:
    index = BundleIndex(entries=(BundleEntry(tenant="acme", revision=1, digest="d"),))
    payload = encode(index)
    signed = sign(Bundle(tenant="acme", revision=1, spec={}), KEY)
    forged = msgspec.structs.replace(
        signed, payload=payload, signature=KEY.sign(payload), digest=hashlib.sha256(payload).hexdigest()
    )
    with pytest.raises(BundleError, match="not a bundle"):
        verify(forged, PUBLIC)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b"\xff", b'{"payload": "", "digest": ""}', b'{"payload": "!"}', DEEP]
)
def test_what_is_no_signed_bundle_is_refused(text: bytes) -> None:
    with pytest.raises(BundleError, match="not a signed bundle"):
        decode_signed(text)


def test_an_index_survives_its_journey() -> None:
    index = BundleIndex(entries=(BundleEntry(tenant="acme", revision=3, digest="d"),))
    assert decode_index(encode(index)) == index


@pytest.mark.parametrize("text", [b"", b"[]", b'{"entries": [{"tenant": "acme"}]}', DEEP])
def test_what_is_no_index_is_refused(text: bytes) -> None:
    with pytest.raises(BundleError, match="not a bundle index"):
        decode_index(text)
