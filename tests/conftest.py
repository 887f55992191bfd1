"""What every test runs under: no network but loopback."""

from __future__ import annotations

import socket
import sys
from typing import Any

import matplotlib as mpl

mpl.use("agg")

_LOOPBACK = ("127.", "::1", "localhost")
_WATCHED = (
    "socket.connect",
    "socket.sendto",
    "socket.sendmsg",
    "socket.bind",
    "socket.getaddrinfo",
    "socket.gethostbyname",
)


def _host(event: str, args: tuple[Any, ...]) -> object:
    """Return the host that a socket event is about; None where the socket is none of the internet's."""
    if event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        return args[0]
    own, address = args[0], args[1]
    return address[0] if own.family in {socket.AF_INET, socket.AF_INET6} and address else None


def _guard(event: str, args: tuple[Any, ...]) -> None:
    if event in _WATCHED:
        host = _host(event, args)
        host = host.decode() if isinstance(host, bytes) else host
        if host is not None and not str(host).startswith(_LOOPBACK):
            raise ConnectionRefusedError(f"the tests reach loopback only, not {host!r} ({event})")


sys.addaudithook(_guard)
