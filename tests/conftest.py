"""What every test runs under: no network but loopback; and a simulated study without images to work on."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable, Iterator
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
def browser() -> Iterator[Any]:
    """The Chromium of this machine, without a window."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("neither chromium nor google-chrome is installed: pages cannot be opened")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        opened = player.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a file in the browser; whatever it says on the console, and all that it asks for, fails the test."""
    contexts, said = [], []

    def _open(path: Path, width: int = 1280, **options: Any) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if _is_remote(request.url) else None)
        page.goto(path.as_uri())
        return page

    yield _open
    for context in contexts:
        context.close()
    assert said == []


def _is_remote(url: str) -> bool:
    return not url.startswith(("file:", "data:"))


@pytest.fixture(scope="session")
def axe_faults() -> Callable[[Any], list[str]]:
    """Return what axe-core finds wrong on a page: rule, number of places, the first of them."""
    from importlib.resources import files

    code = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")

    def _faults(page: Any) -> list[str]:
        page.evaluate(code)
        found = page.evaluate("axe.run(document, {rules: {'target-size': {enabled: true}}})")
        assert len(found["passes"]) > 15
        return [f"{v['id']} ({len(v['nodes'])}): {v['nodes'][0]['html']}" for v in found["violations"]]

    return _faults


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
