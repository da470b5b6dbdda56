"""Settings from the environment: defaults that stay, and one sentence for each mistake."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tenantry.dataplane.settings import RedisDown, SettingsError, settings_from
from tests.support.tenants import SIGNING_KEY

KEY = base64.b64encode(SIGNING_KEY.public_key().public_bytes_raw()).decode()
LEAST = {
    "TENANTRY_DATABASE_URL": "postgresql://localhost/dataplane",
    "TENANTRY_BUNDLE_PUBLIC_KEY": KEY,
    "TENANTRY_BUNDLE_DIRECTORY": "/var/lib/tenantry",
}
ALL = {
    **LEAST,
    "TENANTRY_DATA_PLANE_NAME": "eu-1",
    "TENANTRY_CONTROL_PLANE_URL": "https://control.example.com",
    "TENANTRY_DATA_PLANE_TOKEN": "secret",
    "TENANTRY_HOST": "0.0.0.0",  # noqa: S104  (an operator may)
    "TENANTRY_PORT": "9000",
    "TENANTRY_TENANT_HOST": "{tenant}.api.example.com",
    "TENANTRY_DRAIN_SECONDS": "0",
    "TENANTRY_LEASE_SECONDS": "3600",
    "TENANTRY_REDIS_URL": "rediss://:password@redis.example.com:6380/1",
    "TENANTRY_REDIS_DOWN": "closed",
    "TENANTRY_CALLBACK_SECRETS": ", ".join(base64.b64encode(one).decode() for one in (b"n" * 64, b"o" * 32)),
}


def test_what_must_be_set_is_enough() -> None:
    settings = settings_from(LEAST)
    assert (settings.name, settings.host, settings.port) == ("default", "127.0.0.1", 8081)
    assert (settings.control_plane_url, settings.data_plane_token) == ("", "")
    assert (settings.tenant_host, settings.drain_seconds, settings.lease_seconds) == ("", 10.0, 15.0)
    assert settings.callback_secrets == ()
    assert (settings.redis_url, settings.redis_down) == ("", RedisDown.LOCAL)


def test_everything_is_read() -> None:
    settings = settings_from(ALL)
    assert (settings.name, settings.port) == ("eu-1", 9000)
    assert (settings.drain_seconds, settings.lease_seconds) == (0.0, 3600.0)
    assert settings.tenant_host == "{tenant}.api.example.com"
    assert (settings.control_plane_url, settings.data_plane_token) == (
        "https://control.example.com",
        "secret",
    )
    assert settings.bundle_directory == Path("/var/lib/tenantry")
    assert settings.bundle_key == SIGNING_KEY.public_key()
    assert settings.database_url == LEAST["TENANTRY_DATABASE_URL"]
    assert settings.callback_secrets == (b"n" * 64, b"o" * 32)
    assert (settings.redis_url, settings.redis_down) == (ALL["TENANTRY_REDIS_URL"], RedisDown.CLOSED)
    assert "nnnn" not in repr(settings)
    assert "password" not in repr(settings)


OTLP = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("variables", "exported"),
    [
        ({}, False),
        (OTLP, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector/v1/traces"}, True),
        ({**OTLP, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        ({**OTLP, "OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({**OTLP, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**OTLP, "OTEL_SDK_DISABLED": "True"}, False),
        ({**OTLP, "OTEL_SDK_DISABLED": "false"}, True),
    ],
)
def test_spans_are_exported_where_the_standard_variables_say_where_to(
    variables: dict[str, str], *, exported: bool
) -> None:
    assert settings_from(LEAST | variables).exports_spans is exported


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://collector"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
    ],
)
def test_a_way_to_export_spans_that_there_is_not_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        settings_from(LEAST | OTLP | {name: value})


@pytest.mark.parametrize("name", [*LEAST, "TENANTRY_DATA_PLANE_TOKEN"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_missing_is_named(name: str, value: str | None) -> None:
    environment = ALL | {name: ""}
    if value is None:
        del environment[name]
    with pytest.raises(SettingsError, match=f"set {name}: "):
        settings_from(environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TENANTRY_PORT", "http"),
        ("TENANTRY_PORT", "0"),
        ("TENANTRY_PORT", "65536"),
        ("TENANTRY_PORT", "\xb2"),
        ("TENANTRY_PORT", "9" * 5000),
        ("TENANTRY_PORT", ""),
        ("TENANTRY_TENANT_HOST", "api.example.com"),
        ("TENANTRY_TENANT_HOST", "{tenant}.{tenant}.example.com"),
        ("TENANTRY_TENANT_HOST", "https://{tenant}.example.com"),
        ("TENANTRY_TENANT_HOST", "{tenant}"),
        ("TENANTRY_DRAIN_SECONDS", ""),
        ("TENANTRY_DRAIN_SECONDS", "-1"),
        ("TENANTRY_DRAIN_SECONDS", "3601"),
        ("TENANTRY_DRAIN_SECONDS", "9" * 5000),
        ("TENANTRY_LEASE_SECONDS", "0"),
        ("TENANTRY_LEASE_SECONDS", "1.5"),
        ("TENANTRY_LEASE_SECONDS", "\xb2"),
        ("TENANTRY_BUNDLE_PUBLIC_KEY", "not base64!"),
        ("TENANTRY_BUNDLE_PUBLIC_KEY", "c2hvcnQ="),
        ("TENANTRY_CONTROL_PLANE_URL", "control.example.com"),
        ("TENANTRY_REDIS_URL", "http://:password@redis.example.com"),
        ("TENANTRY_REDIS_URL", "redis://user:pass/word@redis.example.com"),
        ("TENANTRY_REDIS_DOWN", "shut"),
        ("TENANTRY_CALLBACK_SECRETS", "password!"),
        ("TENANTRY_CALLBACK_SECRETS", "cGFzc3dvcmQ="),
        ("TENANTRY_CALLBACK_SECRETS", base64.b64encode(b"x" * 31).decode()),
        ("TENANTRY_CALLBACK_SECRETS", base64.b64encode(b"password" * 4).decode() + ","),
        ("TENANTRY_CALLBACK_SECRETS", "\xe4" * 64),
        ("TENANTRY_DATABASE_URL", "mysql://user:password@localhost/dataplane"),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence_without_secrets(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        settings_from(ALL | {name: value})
    assert "\n" not in str(caught.value)
    assert "password" not in str(caught.value)
