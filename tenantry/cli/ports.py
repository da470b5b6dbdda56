"""The three ports of a run, next to each other from `TENANTRY_PORT_BASE` on."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

from tenantry.cli.failures import FrontDoorError

HOST: Final = "127.0.0.1"
DEFAULT_BASE: Final = 8080
_HIGHEST_BASE: Final = 65535 - 2
_CHOOSE: Final = "Stop what uses it, or move all three: TENANTRY_PORT_BASE=9080 make run"


class PortError(FrontDoorError):
    """A port cannot be had."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the processes listen, on 127.0.0.1 only."""

    base: int = DEFAULT_BASE

    @classmethod
    def parse(cls, text: str) -> Ports:
        """The ports from the text of `TENANTRY_PORT_BASE`; empty means the default.

        Raises:
            PortError: not a port number, or no room for three.
        """
        if not text:
            return cls()
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _HIGHEST_BASE):
            raise PortError(f"TENANTRY_PORT_BASE is {text!r}, not a number from 1 to {_HIGHEST_BASE}.")
        return cls(int(text))

    @property
    def control_plane(self) -> int:
        """GraphQL."""
        return self.base

    @property
    def data_plane(self) -> int:
        """The public endpoints of workflows."""
        return self.base + 1

    @property
    def test_api(self) -> int:
        """The upstream of the examples."""
        return self.base + 2

    def check_free(self) -> None:
        """Says nothing when all three can be listened on.

        Raises:
            PortError: one cannot, and why.
        """
        uses = {"control plane": self.control_plane, "data plane": self.data_plane, "test API": self.test_api}
        for use, port in uses.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError as error:
                    raise PortError(
                        f"Port {port}, for the {use}, cannot be had: {error.strerror}.", hint=_CHOOSE
                    ) from None


def address(port: int) -> str:
    """The base URL of what listens there."""
    return f"http://{HOST}:{port}"
