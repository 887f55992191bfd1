"""Calling the packaged pandoc."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from neurotrial.errors import RenderError

__all__ = ["pandoc_path", "pandoc_version", "run_pandoc"]

OWN_MARK = "neurotrial: "
"""Begins the lines in which the filters report faults of the document."""

LINES_SHOWN = 12


def pandoc_path() -> str:
    """Return the path of the pandoc that `pypandoc` brings."""
    import pypandoc

    return str(pypandoc.get_pandoc_path())


@functools.cache
def pandoc_version() -> str:
    """Return the version of pandoc, e.g. ``"3.9"``."""
    import pypandoc

    return str(pypandoc.get_pandoc_version())


def run_pandoc(arguments: Sequence[str], folder: Path, document: str) -> None:
    """Run pandoc; its warnings are errors, for what it warns of is missing from the output.

    Parameters
    ----------
    arguments : sequence of str
        The command line without the program.
    folder : Path
        The working directory.
    document : str
        What messages call the document.

    Raises
    ------
    RenderError
        With what pandoc or a filter said.
    """
    done = subprocess.run(  # noqa: S603  a list of arguments, no shell
        [pandoc_path(), *arguments, "--fail-if-warnings"],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        msg = f"{document}: pandoc could not convert it\n{_said(done.stderr)}"
        raise RenderError(msg)


def _said(stderr: str) -> str:
    """Return the filters' own messages if there are any, else the end of everything."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    own = [line.removeprefix(OWN_MARK) for line in lines if line.startswith(OWN_MARK)]
    return "\n".join(f"    {line}" for line in own or lines[-LINES_SHOWN:])
