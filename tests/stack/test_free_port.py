"""Ports for what tests, benchmarks and `waypost chaos` start."""

import socket

import pytest

from waypost.stack import free_port


def test_it_is_none_that_a_connection_that_goes_out_may_get() -> None:
    with open("/proc/sys/net/ipv4/ip_local_port_range") as kernel:
        first = int(kernel.read().split()[0])
    assert {free_port.free_port() for _ in range(50)} <= set(range(1_024, first))


def test_nobody_listens_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", free_port.free_port())) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(free_port, "PORTS", range(port, port + 1))
        with pytest.raises(OSError, match="no free port"):
            free_port.free_port()
    assert free_port.free_port() == port
