from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.tenants.egress import EgressPolicy, compile_egress_policy

OPEN = compile_egress_policy([])
IPV4 = st.integers(0, 2**32 - 1).map(IPv4Address)
IPV6 = st.integers(0, 2**128 - 1).map(IPv6Address)

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "172.32.0.1",
    "168.63.129.17",
]
PUBLIC_V6 = ["2606:4700:4700::1111", "2a00:1450:4001::1", "2001:200::1", "2400:cb00::1"]
SPECIAL = [
    "0.0.0.0",  # noqa: S104  an address to refuse, not one to listen on
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
SPECIAL_V6 = [
    "::",
    "::1",
    "::127.0.0.1",  # IPv4-compatible
    "::8.8.8.8",
    "64:ff9b:1::808:808",  # NAT64, local use
    "100::1",
    "2001::1",  # Teredo
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "8000::1",
    "c000::1",
    "e000::1",
    "f000::1",
    "f800::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fe80::5efe:127.0.0.1",
    "fec0::1",
    "ff02::1",
]


def permits(policy: EgressPolicy, host: str, address: str) -> bool:
    return policy.permits(host, ip_address(address))


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_V6)
def test_public_addresses_are_open_by_default(address: str) -> None:
    assert permits(OPEN, "anything.example", address)


@pytest.mark.parametrize("address", SPECIAL + SPECIAL_V6)
def test_special_addresses_are_closed_by_default(address: str) -> None:
    assert not permits(OPEN, "anything.example", address)


@pytest.mark.parametrize("address", SPECIAL + SPECIAL_V6)
def test_no_host_pattern_opens_a_special_address(address: str) -> None:
    policy = compile_egress_policy(["*", "localhost", "metadata.google.internal", "*.example"])
    assert not permits(policy, "localhost", address)
    assert not permits(policy, address, address)


@pytest.mark.parametrize("address", SPECIAL + SPECIAL_V6)
def test_no_range_wider_than_one_special_range_opens_one(address: str) -> None:
    everything = compile_egress_policy(["0.0.0.0/0", "2000::/3", "8000::/1"])
    assert not permits(everything, "anything.example", address)


@given(IPV4, st.sampled_from([[], ["*"], ["127.0.0.0/8", "10.0.0.0/8"], ["0.0.0.0/0"], ["*.example"]]))
def test_an_ipv4_address_in_ipv6_form_is_judged_as_itself(address: IPv4Address, allow: list[str]) -> None:
    policy = compile_egress_policy(allow)
    plain = policy.permits("a.example", address)
    assert policy.permits("a.example", IPv6Address(f"::ffff:{address}")) is plain
    assert policy.permits("a.example", IPv6Address(f"64:ff9b::{address}")) is plain


@given(IPV4)
def test_6to4_teredo_and_compatible_forms_are_never_open(address: IPv4Address) -> None:
    number = int(address)
    assert not OPEN.permits("a.example", IPv6Address((0x2002 << 112) | (number << 80)))
    assert not OPEN.permits("a.example", IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)))
    assert not OPEN.permits("a.example", IPv6Address(number))


@given(IPV6)
def test_nothing_outside_the_allocated_unicast_space_is_open(address: IPv6Address) -> None:
    wraps_ipv4 = address.ipv4_mapped is not None or int(address) >> 32 == 0x64FF9B << 64
    if OPEN.permits("a.example", address) and not wraps_ipv4:
        assert int(address) >> 125 == 0b001


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("10.20.0.0/16", "10.20.3.4"),
        ("10.20.0.0/16", "::ffff:10.20.3.4"),
        ("169.254.169.254/32", "169.254.169.254"),
        ("::1", "::1"),
        ("fd00::/8", "fd12::1"),
        ("8.8.8.0/24", "8.8.8.8"),
        ("0.0.0.0/0", "8.8.8.8"),
        ("2606:4700::/32", "2606:4700::1"),
    ],
)
def test_a_range_opens_its_addresses_for_any_host(entry: str, address: str) -> None:
    assert permits(compile_egress_policy([entry]), "anything.example", address)


def test_with_entries_nothing_else_is_open() -> None:
    policy = compile_egress_policy(["*.example.com", "10.20.0.0/16"])
    assert permits(policy, "api.example.com", "8.8.8.8")
    assert permits(policy, "API.v2.Example.com.", "8.8.8.8")
    assert not permits(policy, "example.com", "8.8.8.8")
    assert not permits(policy, "api.example.com.attacker.test", "8.8.8.8")
    assert not permits(policy, "api.example.com", "10.21.0.1")
    assert not permits(policy, "other.test", "8.8.8.8")
    assert permits(policy, "other.test", "10.20.0.1")


def test_a_list_of_ranges_closes_the_rest_of_the_internet() -> None:
    assert not permits(compile_egress_policy(["10.20.0.0/16"]), "anything.example", "8.8.8.8")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "https://example.com",
        "example.com/path",
        "example.com:443",
        "exa mple.com",
        "10.20.0.1/16",
        "10.20.0.0/33",
        "300.1.1.1",
        "1.2.3",
        "::ffff:10.0.0.0/104",
        "::ffff:10.0.0.1",
        "64:ff9b::/96",
        "::/0",
        "[::1]",
        "fe80::1%",
        "ｅxample.com",  # noqa: RUF001  full-width on purpose
        "a" * 64,
        ".".join(["a" * 60] * 5),
        "example.com.",
    ],
)
def test_an_entry_that_is_neither_host_nor_range_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"neither|does not appear|host bits|IPv4|not permitted|[Ii]nvalid"):
        compile_egress_policy([entry])
