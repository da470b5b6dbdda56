from __future__ import annotations

import base64
import json
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tenantry.cli.credentials import Credentials, TenantCredentials, ensure_credentials, ensure_plane_secrets
from tenantry.cli.home import Home
from tenantry.cli.private_files import PrivateFileError, load_private, save_private
from tenantry.tenants.api_keys import parse_token

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_the_file_has_the_documented_form_and_only_its_owner_reads_it(home: Home) -> None:
    tokens = TenantCredentials(admin="tnt_a_x", caller="tnt_c_y")
    save_private(home.credentials, ensure_credentials(home).with_tenant("acme-corp", tokens))
    content = json.loads(home.credentials.read_bytes())
    assert parse_token(content.pop("platformAdmin")) is not None
    assert content == {"tenants": {"acme-corp": {"admin": "tnt_a_x", "caller": "tnt_c_y"}}}
    assert stat.S_IMODE(home.credentials.stat().st_mode) == 0o600


def test_credentials_and_secrets_are_made_once(home: Home) -> None:
    assert ensure_credentials(home) == ensure_credentials(home)
    assert ensure_plane_secrets(home) == ensure_plane_secrets(home)


def test_two_homes_share_nothing(tmp_path: Path) -> None:
    homes = [Home(tmp_path / name) for name in ("a", "b")]
    for home in homes:
        home.path.mkdir()
    made = [ensure_plane_secrets(home) for home in homes]
    assert made[0].data_plane_token != made[1].data_plane_token
    assert made[0].signing_key != made[1].signing_key
    assert made[0].callback_secret != made[1].callback_secret
    assert ensure_credentials(homes[0]) != ensure_credentials(homes[1])


def test_the_public_key_verifies_what_the_signing_key_signed(home: Home) -> None:
    made = ensure_plane_secrets(home)
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(made.signing_key))
    assert base64.b64decode(made.bundle_public_key) == private.public_key().public_bytes_raw()


def test_a_file_that_others_could_read_is_closed_to_them(home: Home) -> None:
    ensure_credentials(home)
    home.credentials.chmod(0o644)
    ensure_credentials(home)
    assert stat.S_IMODE(home.credentials.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"platformAdmin": 1}',
        b'{"platformAdmin": "no token"}',
        b'{"platformAdmin": "a", "tenant": {}}',
        b"\xff",
    ],
)
def test_damaged_credentials_are_reported_with_the_way_out(home: Home, content: bytes) -> None:
    home.credentials.write_bytes(content)
    with pytest.raises(PrivateFileError, match=r"credentials\.json cannot be read: damaged") as failure:
        ensure_credentials(home)
    assert "Remove it" in failure.value.hint


@pytest.mark.parametrize("name", ["signingKey", "callbackSecret"])
@pytest.mark.parametrize("value", ["AAAA", "not base64!"])
def test_a_key_or_secret_that_is_none_is_reported(home: Home, name: str, value: str) -> None:
    ensure_plane_secrets(home)
    home.secrets.write_text(json.dumps(json.loads(home.secrets.read_bytes()) | {name: value}))
    with pytest.raises(PrivateFileError, match=r"secrets\.json cannot be read: damaged"):
        ensure_plane_secrets(home)


def test_a_folder_in_place_of_a_file_is_reported(home: Home) -> None:
    home.credentials.mkdir()
    with pytest.raises(PrivateFileError, match="Is a directory"):
        load_private(home.credentials, Credentials)
