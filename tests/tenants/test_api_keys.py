from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.tenants.api_keys import has_expired, hash_token, make_token, matches, parse_token
from tenantry.tenants.identity import Instant

KEY_IDS = st.from_regex(r"[A-Za-z0-9-]{1,64}", fullmatch=True)
SECRETS = st.binary(min_size=16, max_size=64)


@given(KEY_IDS, SECRETS)
def test_a_token_tells_its_key_and_matches_its_own_hash(key_id: str, secret: bytes) -> None:
    token = make_token(key_id, secret)
    assert parse_token(token) == key_id
    assert matches(token, hash_token(token))
    assert token.startswith(f"tnt_{key_id}_")


@given(KEY_IDS, SECRETS, KEY_IDS, SECRETS)
def test_different_keys_have_different_tokens(
    key_id: str, secret: bytes, other_id: str, other_secret: bytes
) -> None:
    token, other = make_token(key_id, secret), make_token(other_id, other_secret)
    assert ((key_id, secret) == (other_id, other_secret)) is (token == other)
    assert matches(other, hash_token(token)) is (token == other)


@given(st.text())
def test_no_text_from_outside_is_an_error(text: str) -> None:
    parse_token(text)
    assert not matches(text, hash_token(text + "x"))
    assert not matches("tnt_a_b", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tnt_",
        "tnt_k1",
        "tnt_k1_",
        "tnt_k1_short",
        "tnt__aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abc_k1_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "tnt_k_1_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "tnt_k1_aaaaaaaaaaaaaaaaaaaaaaaaaa\n",
        "tnt_k1_" + "a" * 201,
    ],
)
def test_what_is_not_a_token_names_no_key(text: str) -> None:
    assert parse_token(text) is None


def test_a_lone_surrogate_can_be_hashed() -> None:
    assert not matches("\ud800", hash_token("tnt_k1_aaaaaaaaaaaaaaaaaaaaaaaaaa"))


@pytest.mark.parametrize("key_id", ["", "a_b", "a b", "a" * 65])
def test_an_id_that_would_break_the_form_is_refused(key_id: str) -> None:
    with pytest.raises(ValueError, match="not a key id"):
        make_token(key_id, bytes(16))


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        make_token("k1", bytes(15))


def test_a_key_ends_at_its_instant() -> None:
    end = Instant(100.0)
    assert not has_expired(end, Instant(99.9))
    assert has_expired(end, end)


def test_a_key_without_an_end_never_expires() -> None:
    assert not has_expired(None, Instant(1e12))
