from __future__ import annotations

import socket

import pytest

from tenantry.cli.ports import PortError, Ports, address


def test_the_three_ports_follow_each_other() -> None:
    ports = Ports.parse("9080")
    assert (ports.control_plane, ports.data_plane, ports.test_api) == (9080, 9081, 9082)
    assert address(ports.data_plane) == "http://127.0.0.1:9081"


def test_without_a_base_they_begin_at_8080() -> None:
    assert Ports.parse("").control_plane == 8080


@pytest.mark.parametrize("text", ["0", "65534", "99999999999999999999", "-1", "eight", " 80", "٨٠٨٠", "80.5"])
def test_a_base_that_leaves_no_room_for_three_ports_is_refused(text: str) -> None:
    with pytest.raises(PortError, match="TENANTRY_PORT_BASE"):
        Ports.parse(text)


def test_a_port_in_use_is_named_with_its_purpose() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"Port {port}, for the test API") as failure:
            Ports(port - 2).check_free()
    assert "TENANTRY_PORT_BASE" in failure.value.hint
