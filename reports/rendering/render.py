"""Rendering a document: which engine, where to, and nothing half-written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.paths import replacing, writable_folder
from neurotrial.reports.rendering.render_builtin import (
    BUILTIN_FORMATS,
    Executed,
    builtin_version,
    execute_loosely,
    render_builtin,
)
from neurotrial.reports.rendering.render_quarto import find_quarto, quarto_version, render_quarto

__all__ = ["Engine", "Rendered", "render"]

Engine = Literal["auto", "quarto", "builtin"]

FORMATS = tuple(BUILTIN_FORMATS)
"""The formats of reports."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered file.

    Attributes
    ----------
    format : str
        E.g. ``"html"``.
    path : Path
        The file.
    engine : str
        ``"quarto"`` or ``"builtin"``.
    engine_version : str
        E.g. ``"1.9.38"`` or ``"pandoc 3.9, typst 0.15.2"``.
    """

    format: str
    path: Path
    engine: str
    engine_version: str


def render(
    document: Path,
    to: Sequence[str],
    output_dir: Path,
    *,
    engine: Engine = "auto",
    progress: Callable[[str], None] | None = None,
    executed: Callable[[Executed], None] | None = None,
) -> list[Rendered]:
    """Render a .qmd document.

    Parameters
    ----------
    document : Path
        The .qmd file; its cells run in its folder, with the running interpreter.
    to : sequence of str
        Formats, among html, docx and pdf. The builtin engine runs the cells once for all of them.
    output_dir : Path
        Made if it does not exist. Files appear in it only when every format is done.
    engine : {"auto", "quarto", "builtin"}
        ``auto`` takes Quarto where ``QUARTO_PATH`` or ``PATH`` has it, else the builtin renderer.
    progress : callable, optional
        Told what is being done, in a few words.
    executed : callable, optional
        Given the document when its cells have run. Quarto does not show its own: its documents are
        then run twice.

    Returns
    -------
    list of Rendered
        In the order of ``to``.

    Raises
    ------
    InputError
        Before anything is run: no such document or format, a folder that cannot be written, Quarto asked for and not
        found, or a document outside the builtin renderer's subset.
    RenderError
        If a cell or a conversion fails; then nothing is written.

    Examples
    --------
    >>> render(Path("reports/manuscript.qmd"), ["html"], Path("output"))  # doctest: +SKIP
    [Rendered(format='html', path=PosixPath('output/manuscript.html'), engine='builtin', engine_version='...')]
    """
    tell = progress or (lambda _: None)
    document = document.resolve()
    formats = list(dict.fromkeys(to))
    _check(document, formats)
    quarto = _quarto(engine)
    output_dir = writable_folder(output_dir)
    with tempfile.TemporaryDirectory(prefix=".rendering-", dir=output_dir) as name:
        folder = Path(name).resolve()
        if quarto:
            chosen, version = "quarto", quarto_version(quarto)
            if executed:
                executed(execute_loosely(document, tell))
            files = render_quarto(quarto, document, formats, folder, tell)
        else:
            chosen, version = "builtin", builtin_version()
            files = render_builtin(document, formats, folder, tell, executed or (lambda _: None))
        return [Rendered(form, _put(files[form], output_dir), chosen, version) for form in formats]


def _check(document: Path, formats: Sequence[str]) -> None:
    problems = []
    if not document.is_file():
        problems.append(Problem(str(document), "there is no such document", "mend the name"))
    elif document.suffix != ".qmd":
        problems.append(Problem(document.name, "is no .qmd document", "name a .qmd file"))
    problems += [
        Problem(f"format {form}", "is not among the formats of reports", f"use {', '.join(FORMATS)}")
        for form in formats
        if form not in FORMATS
    ]
    if not formats:
        problems.append(Problem("formats", "none is asked for", f"use {', '.join(FORMATS)}"))
    if problems:
        raise InputError(problems)


def _quarto(engine: Engine) -> str | None:
    if engine == "builtin":
        return None
    if engine not in {"auto", "quarto"}:
        msg = f"engine {engine}"
        raise refuse(msg, "is no engine", "use auto, quarto or builtin")
    found = find_quarto()
    if engine == "quarto" and found is None:
        msg = "engine quarto"
        raise refuse(
            msg,
            "no quarto is installed: neither QUARTO_PATH nor PATH has it",
            "install Quarto, set QUARTO_PATH to its executable, or use engine builtin",
        )
    return found


def _put(file: Path, folder: Path) -> Path:
    """Move a finished file into place under its name."""
    with replacing(folder / file.name) as temporary:
        shutil.copyfile(file, temporary)
    return folder / file.name
