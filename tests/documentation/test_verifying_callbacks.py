"""The verification that the reference prints does what it says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tenantry.dataplane.callbacks.signing import CallbackSecrets, show_secret, sign
from tenantry.tenants.identity import TenantId
from tests.support.documentation import code_blocks
from tests.support.platform import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = '{"type": "execution.completed", "data": "\N{SNOWMAN}"}'.encode()
SECRETS = CallbackSecrets([b"n" * 32, b"o" * 32]).of(TenantId("acme"))


@pytest.fixture
def verify() -> Callable[..., None]:
    (code,) = code_blocks(REPOSITORY / "docs/reference/data-plane-api.md", "python")
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  (our own page)
    function: Callable[..., None] = names["verify"]
    return function


@pytest.mark.parametrize("secret", SECRETS)
def test_it_accepts_what_is_signed_with_either_secret(verify: Callable[..., None], secret: bytes) -> None:
    verify(show_secret(secret), sign(SECRETS, "id_1", int(time.time()), BODY), BODY)


def test_it_refuses_what_is_signed_otherwise_or_changed(verify: Callable[..., None]) -> None:
    headers = sign(SECRETS, "id_1", int(time.time()), BODY)
    theirs = show_secret(CallbackSecrets([b"n" * 32]).of(TenantId("globex"))[0])
    ours = show_secret(SECRETS[0])
    for secret, changed, body in (
        (theirs, headers, BODY),
        (ours, headers | {"webhook-id": "id_2"}, BODY),
        (ours, headers | {"webhook-signature": "v1,\xe4 v2,AAAA"}, BODY),
        (ours, headers, BODY + b" "),
    ):
        with pytest.raises(ValueError, match="not signed with this secret"):
            verify(secret, changed, body)


def test_it_refuses_what_was_signed_long_ago(verify: Callable[..., None]) -> None:
    headers = sign(SECRETS, "id_1", int(time.time()) - 301, BODY)
    with pytest.raises(ValueError, match="too long ago"):
        verify(show_secret(SECRETS[0]), headers, BODY)
