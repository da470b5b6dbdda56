"""Bundles on disk: what was kept comes back, what is damaged is left alone and used by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tenantry.dataplane.bundles.disk import BundleDirectory
from tenantry.protocol.bundles import sign
from tests.support.tenants import SIGNING_KEY, make_bundle

if TYPE_CHECKING:
    from pathlib import Path

PUBLIC = SIGNING_KEY.public_key()


@pytest.fixture
def directory(tmp_path: Path) -> BundleDirectory:
    return BundleDirectory(tmp_path / "deep" / "bundles")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "bundles"


def test_what_was_saved_is_loaded_the_newest_of_each_tenant(directory: BundleDirectory) -> None:
    acme, globex = make_bundle("acme", 2), make_bundle("globex", 5)
    for bundle in (make_bundle("acme", 1), acme, globex):
        directory.save(bundle.tenant, sign(bundle, SIGNING_KEY))
    assert list(directory.load(PUBLIC)) == [acme, globex]


def test_an_empty_folder_holds_nothing(directory: BundleDirectory) -> None:
    assert list(directory.load(PUBLIC)) == []


def test_only_the_owner_can_read_what_is_kept(directory: BundleDirectory, folder: Path) -> None:
    directory.save("acme", sign(make_bundle(), SIGNING_KEY))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]


@pytest.mark.parametrize("damage", ["cut", "text", "payload", "stranger"])
def test_a_damaged_bundle_is_not_used_and_hides_no_other(
    directory: BundleDirectory, folder: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    directory.save("acme", sign(make_bundle("acme"), stranger if damage == "stranger" else SIGNING_KEY))
    directory.save("globex", sign(make_bundle("globex"), SIGNING_KEY))
    path = folder / "acme.json"
    data = path.read_bytes()
    if damage == "cut":
        path.write_bytes(data[:-20])
    elif damage == "text":
        path.write_bytes(b"not JSON")
    elif damage == "payload":
        path.write_bytes(data.replace(b'"payload":"ey', b'"payload":"eyJ', 1))
    assert [bundle.tenant for bundle in directory.load(PUBLIC)] == ["globex"]
    assert "acme.json is not used" in caplog.text
    assert path.exists()


def test_an_unfinished_save_is_never_read(directory: BundleDirectory, folder: Path) -> None:
    (folder / "acme.draft").write_bytes(b"half of")
    assert list(directory.load(PUBLIC)) == []
    directory.save("acme", sign(make_bundle(), SIGNING_KEY))
    assert [bundle.tenant for bundle in directory.load(PUBLIC)] == ["acme"]


def test_a_tenant_that_was_removed_is_gone_and_removing_it_again_is_no_error(
    directory: BundleDirectory,
) -> None:
    directory.save("acme", sign(make_bundle(), SIGNING_KEY))
    directory.remove("acme")
    directory.remove("acme")
    assert list(directory.load(PUBLIC)) == []
