"""Ports for whole platforms started by tests."""

from __future__ import annotations

import random

from tenantry.cli.ports import PortError, Ports


def find_free_ports() -> Ports:
    """Three ports in a row that are free now, below the range that the system hands out by itself."""
    while True:
        ports = Ports(random.randrange(10_000, 30_000))  # noqa: S311  (chance, not a secret)
        try:
            ports.check_free()
        except PortError:
            continue
        return ports
