"""What every test runs under: no network but loopback; and a simulated study without images to work on."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from hypothesis import settings

mpl.use("agg")

# a shared machine is slow now and then; the quick suite is the same every time
settings.register_profile("quick", deadline=None, derandomize=True)
settings.load_profile("quick")

BAYESIAN = ", bayes_ancova, bayes_group_time"
"""What the analyses of the template name after their other methods."""

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


@pytest.fixture(scope="session")
def simulated_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated study without images and Bayesian methods, which take long; made once: copy it before changing anything."""
    from neurotrial.executors import SerialExecutor
    from neurotrial.reports.scaffold import write_simulated_scaffold
    from neurotrial.simulation.settings import TrialSettings
    from neurotrial.simulation.study import plan_simulation, write_simulation

    folder = tmp_path_factory.mktemp("simulated") / "study"
    write_simulated_scaffold(folder, images=False)
    write_simulation(plan_simulation(TrialSettings(), images=False, truth=False), folder, SerialExecutor())
    plan = folder / "study.yaml"
    text = plan.read_text(encoding="utf-8")
    assert BAYESIAN in text
    plan.write_text(text.replace(BAYESIAN, ""), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def write_study(simulated_tables: Path) -> Callable[[Path], None]:
    """Write the simulated study without images into a folder."""

    def _write(folder: Path) -> None:
        shutil.copytree(simulated_tables, folder)

    return _write
