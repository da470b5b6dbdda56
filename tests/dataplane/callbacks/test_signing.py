"""Signatures are those of Standard Webhooks, as its own library sees it; secrets are each tenant's own."""

from __future__ import annotations

import hashlib
import hmac
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tenantry.dataplane.callbacks.signing import CallbackSecrets, show_secret, sign
from tenantry.tenants.identity import TenantId

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
OLD, NEW = b"o" * 32, b"n" * 64


def hkdf(master: bytes, purpose: bytes) -> bytes:
    """RFC 5869 for one block of SHA-256, without a salt."""
    extracted = hmac.digest(b"\0" * 32, master, hashlib.sha256)
    return hmac.digest(extracted, purpose + b"\x01", hashlib.sha256)


@given(st.text(max_size=200).filter(str.strip))
def test_the_library_of_standard_webhooks_verifies_what_is_signed(body: str) -> None:
    (secret,) = CallbackSecrets([NEW]).of(ACME)
    sent = body.encode()
    headers = sign([secret], "019ca945-0a00-7316-9d6e-83367b976cd1_1", int(time.time()), sent)
    Webhook(show_secret(secret)).verify(sent, headers, json_parse=False)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature", "body"])
def test_whatever_is_changed_on_the_way_is_noticed(header: str) -> None:
    (secret,) = CallbackSecrets([NEW]).of(ACME)
    now = int(time.time())
    headers, body = sign([secret], "id_1", now, b"{}"), b"{}"
    changed = {"webhook-id": "id_2", "webhook-timestamp": str(now - 1), "webhook-signature": "v1,AAAA"}
    if header == "body":
        body = b"{ }"
    else:
        headers[header] = changed[header]
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(show_secret(secret)).verify(body, headers)


def test_during_a_rotation_every_secret_verifies_and_the_newest_comes_first() -> None:
    secrets = CallbackSecrets([NEW, OLD]).of(ACME)
    assert secrets == (*CallbackSecrets([NEW]).of(ACME), *CallbackSecrets([OLD]).of(ACME))
    headers = sign(secrets, "id_1", int(time.time()), b"{}")
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in secrets:
        Webhook(show_secret(secret)).verify(b"{}", headers)
    newest = headers["webhook-signature"].split(" ")[0]
    assert newest == sign(secrets[:1], "id_1", int(headers["webhook-timestamp"]), b"{}")["webhook-signature"]


def test_a_tenants_secret_is_derived_from_the_master_and_is_no_other_tenants() -> None:
    secrets = CallbackSecrets([NEW])
    assert secrets.of(ACME) == (hkdf(NEW, b"tenantry/callbacks/v1/acme"),)
    assert secrets.of(ACME) != secrets.of(GLOBEX)
    assert NEW not in secrets.of(ACME)


def test_a_secret_is_shown_as_libraries_take_it() -> None:
    assert show_secret(b"\xff" * 24) == "whsec_" + "/" * 32


def test_without_a_master_there_is_nothing_to_sign_with() -> None:
    assert not CallbackSecrets([]).available
    assert CallbackSecrets([OLD]).available
    assert CallbackSecrets([]).of(ACME) == ()
