"""The guard of conftest.py bites, and lets loopback through."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("198.51.100.7", 53)])
def test_no_address_outside_can_be_reached(address: tuple[str, int]) -> None:
    with socket.socket() as stream, pytest.raises(ConnectionRefusedError, match="loopback only"):
        stream.connect(address)
    with (
        socket.socket(type=socket.SOCK_DGRAM) as datagram,
        pytest.raises(ConnectionRefusedError, match="loopback only"),
    ):
        datagram.sendto(b"x", address)


def test_no_name_is_looked_up() -> None:
    with pytest.raises(ConnectionRefusedError, match="loopback only"):
        socket.getaddrinfo("example.org", 80)


def test_loopback_is_allowed() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername()[0] == "127.0.0.1"
