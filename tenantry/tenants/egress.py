"""Egress: where a tenant's tasks may connect to. Asked with the address a connection is about to be made to.

The tables follow the IANA IPv4 and IPv6 Special-Purpose Address Registries; the standard library's
`is_global` and `is_private` are wrong for several of these ranges, so they are not asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_SPECIAL_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent, inside otherwise public space
        "169.254.0.0/16",  # link-local; most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_SPECIAL_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "::/3",  # unspecified, loopback, IPv4-compatible and NAT64's local prefix: nothing here is public
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in other clothes
        "3fff::/20",
        "4000::/2",  # not allocated, as are the next two
        "8000::/2",
        "c000::/3",
        "e000::/4",
        "f000::/5",
        "f800::/6",
        "fc00::/7",  # unique local; AWS's and Google's metadata over IPv6
        "fe00::/8",  # link-local and site-local
        "ff00::/8",
    )
)
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_ADDRESS_LIKE: Final = re.compile(r"[0-9.]+(?:/.*)?|.*:.*")
_HOST_GLOB: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9*_-]{1,63}(?:\.[a-z0-9*_-]{1,63})*")


@dataclass(frozen=True, slots=True)
class HostPattern:
    """An entry that names hosts: `*` stands for any characters, dots included."""

    matcher: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class AddressRange:
    """An entry that names addresses. `opens_special` when it was clearly meant to open a special range."""

    network: Network
    opens_special: bool


def parse_entry(text: str) -> HostPattern | AddressRange:
    """Reads one entry of `egress.allow`: an address, a CIDR range or a host glob.

    Raises:
        ValueError: it is none of them, a range with bits set after its prefix, or IPv4 written as IPv6.
    """
    if _ADDRESS_LIKE.fullmatch(text):
        network = ip_network(text)
        if isinstance(network, IPv6Network) and (network.overlaps(_MAPPED) or network.overlaps(_NAT64)):
            raise ValueError(f"{text!r} covers IPv4 addresses in IPv6 form: write them as IPv4")
        return AddressRange(network, opens_special=_is_within_special(network))
    glob = text.lower()
    if _HOST_GLOB.fullmatch(glob) is None:
        raise ValueError(
            f"{text!r} is neither a host pattern such as '*.example.com' nor a range such as '10.20.0.0/16'"
        )
    return HostPattern(re.compile(translate(glob)))


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Decides over connections; made by `compile_egress_policy`."""

    hosts: tuple[HostPattern, ...] = ()
    ranges: tuple[AddressRange, ...] = ()

    def permits(self, host: str, address: Address) -> bool:
        """Whether a task may connect to `address` for a URL that names `host`.

        Without entries every public address may be reached. With entries only what they name: a host pattern
        opens the public addresses of its hosts, a range opens its addresses. A range opens special
        addresses (loopback, private, link-local, metadata...) only when it lies within one special range,
        so `0.0.0.0/0` opens no metadata service.
        """
        real = unwrap(address)
        public = is_public(real)
        if any(
            real.version == entry.network.version
            and real in entry.network
            and (public or entry.opens_special)
            for entry in self.ranges
        ):
            return True
        return public and (self._is_open() or self._names(host))

    def _is_open(self) -> bool:
        return not self.hosts and not self.ranges

    def _names(self, host: str) -> bool:
        name = host.lower().removesuffix(".")
        return any(entry.matcher.match(name) for entry in self.hosts)


def compile_egress_policy(allow: Iterable[str]) -> EgressPolicy:
    """The policy of a tenant's `egress.allow`.

    Raises:
        ValueError: see `parse_entry`.
    """
    entries = [parse_entry(text) for text in allow]
    return EgressPolicy(
        hosts=tuple(entry for entry in entries if isinstance(entry, HostPattern)),
        ranges=tuple(entry for entry in entries if isinstance(entry, AddressRange)),
    )


def unwrap(address: Address) -> Address:
    """The address packets really go to: the IPv4 one inside an IPv4-mapped or NAT64 address, else itself."""
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether the address, already unwrapped, is an ordinary unicast address of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    return not any(address in network for network in _SPECIAL_V6)


def _is_within_special(network: Network) -> bool:
    if isinstance(network, IPv4Network):
        return any(network.subnet_of(special) for special in _SPECIAL_V4)
    return any(network.subnet_of(special) for special in _SPECIAL_V6)
