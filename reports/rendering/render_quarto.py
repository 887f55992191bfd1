"""Rendering with an installed Quarto."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from neurotrial.errors import RenderError, refuse
from neurotrial.reports.rendering.formats import quarto_name

__all__ = ["find_quarto", "quarto_version", "render_quarto"]

LINES_SHOWN = 25


def find_quarto() -> str | None:
    """Return the Quarto executable: ``QUARTO_PATH``, else the one on ``PATH``, else None.

    Raises
    ------
    InputError
        If ``QUARTO_PATH`` is set to something that cannot be run.
    """
    named = os.environ.get("QUARTO_PATH")
    if not named:
        return shutil.which("quarto")
    found = shutil.which(named)
    if found is None:
        msg = "QUARTO_PATH"
        raise refuse(msg, f"{named} is no program", "set it to the quarto executable, or unset it")
    return found


def quarto_version(quarto: str) -> str:
    """Ask Quarto for its version.

    Raises
    ------
    RenderError
        If it does not answer.
    """
    return _run([quarto, "--version"], {}, "quarto --version").strip()


def render_quarto(
    quarto: str, path: Path, to: Sequence[str], folder: Path, progress: Callable[[str], None]
) -> dict[str, Path]:
    """Render a document into a folder, one call of Quarto a format.

    Parameters
    ----------
    quarto : str
        The executable.
    path : Path
        A .qmd file.
    to : sequence of str
        Formats.
    folder : Path
        An existing folder; Quarto may make further folders in it.
    progress : callable
        Told what is done.

    Returns
    -------
    dict of str to Path
        The file of each format.

    Raises
    ------
    RenderError
        If Quarto fails, with the end of what it said, or writes no such file.
    """
    environment = {"QUARTO_PYTHON": sys.executable, "NEUROTRIAL_RENDERER": f"Quarto {quarto_version(quarto)}"}
    files = {}
    for target in to:
        progress(f"quarto renders {target}")
        place = folder / target
        name = quarto_name(target)
        command = [quarto, "render", str(path), "--to", name, "--output-dir", str(place)]
        _run(command, environment, f"{path.name}: quarto render --to {name}")
        found = sorted(place.rglob(f"{path.stem}.{target}"))
        if not found:
            msg = f"{path.name}: quarto ended well but wrote no {path.stem}.{target}"
            raise RenderError(msg)
        files[target] = found[0]
    return files


def _run(command: list[str], environment: dict[str, str], what: str) -> str:
    done = subprocess.run(  # noqa: S603  a list of arguments, no shell
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        tail = (done.stderr or done.stdout).strip().splitlines()[-LINES_SHOWN:]
        said = "\n".join(f"    {line}" for line in tail)
        msg = f"{what} failed with exit code {done.returncode}\n{said}"
        raise RenderError(msg)
    return done.stdout
