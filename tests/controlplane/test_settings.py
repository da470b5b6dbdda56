"""Settings: each mistake gets a sentence that names the setting and what it takes."""

from __future__ import annotations

import base64

import pytest

from tenantry.controlplane.settings import Environment, SettingsError, read_settings

GOOD = {
    "TENANTRY_DATABASE_URL": "postgresql://somebody@localhost/controlplane",
    "TENANTRY_PLATFORM_ADMIN_TOKEN": "tnt_bootstrap_" + "a" * 32,
    "TENANTRY_DATA_PLANE_TOKEN": "a-secret-of-data-planes",
    "TENANTRY_SIGNING_KEY": base64.b64encode(b"k" * 32).decode(),
}


def test_what_may_be_left_out_has_safe_defaults() -> None:
    settings = read_settings(GOOD)
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.environment is Environment.PRODUCTION
    assert settings.signing_key.private_bytes_raw() == b"k" * 32


def test_everything_can_be_set() -> None:
    more = {"TENANTRY_HOST": "::1", "TENANTRY_PORT": "0", "TENANTRY_ENVIRONMENT": "development"}
    settings = read_settings(GOOD | more)
    assert (settings.host, settings.port, settings.environment) == ("::1", 0, Environment.DEVELOPMENT)


def test_secrets_are_not_shown() -> None:
    shown = repr(read_settings(GOOD))
    assert not any(value in shown for value in GOOD.values())


@pytest.mark.parametrize("name", GOOD)
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is not set: it takes [^.]+$"):
        read_settings({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TENANTRY_DATABASE_URL", "mysql://localhost/x"),
        ("TENANTRY_PLATFORM_ADMIN_TOKEN", "hunter2"),
        ("TENANTRY_DATA_PLANE_TOKEN", "short"),
        ("TENANTRY_DATA_PLANE_TOKEN", "with a space in it, and long"),
        ("TENANTRY_DATA_PLANE_TOKEN", "ä" * 30),
        ("TENANTRY_SIGNING_KEY", "not base64!"),
        ("TENANTRY_SIGNING_KEY", base64.b64encode(b"short").decode()),
        ("TENANTRY_PORT", "http"),
        ("TENANTRY_PORT", "65536"),
        ("TENANTRY_PORT", "-1"),
        ("TENANTRY_ENVIRONMENT", "staging"),
    ],
)
def test_what_makes_no_sense_is_named_without_its_value_when_it_is_secret(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} [^\n]+it takes ") as caught:
        read_settings(GOOD | {name: value})
    if name.endswith(("TOKEN", "KEY", "URL")):
        assert value not in str(caught.value)
