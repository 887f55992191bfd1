"""The files of a new study folder, written from the package's own copies."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from neurotrial.errors import refuse
from neurotrial.paths import writable_folder

__all__ = ["write_scaffold", "write_simulated_scaffold"]

_TOP = ("study.yaml", "_quarto.yml")
_DOCUMENT_SUFFIXES = (".qmd", ".bib", ".csl", ".lua", ".html")
_SIMULATED = ("simulated: false", "simulated: true")
_SIMULATED_FILES = ("bids", "nodes.tsv", "truth.json", "tables/participants.tsv")
_OPTIONAL_LINE = "#~ "
"""Stands in front of the lines of the template that only studies with images need."""


def write_scaffold(folder: Path) -> list[Path]:
    """Write ``study.yaml``, ``_quarto.yml`` and ``reports/`` for a new study, and an empty ``tables/``.

    Parameters
    ----------
    folder : Path
        The study folder; made where it does not exist.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If one of the files exists already, or the folder cannot be written; nothing is written then.
    """
    with as_file(files("neurotrial.reports")) as package:
        sources = {name: package / "templates" / name for name in _TOP}
        documents = sorted(path for path in package.iterdir() if path.suffix in _DOCUMENT_SUFFIXES)
        sources |= {f"reports/{path.name}": path for path in documents}
        return _copy(sources, folder)


def write_simulated_scaffold(folder: Path, *, images: bool) -> list[Path]:
    """Write the scaffold of a simulated study: its plan says that it is simulated, and declares images if it has them.

    Parameters
    ----------
    folder : Path
        The study folder; made where it does not exist.
    images : bool
        Whether the part ``imaging`` of the plan is declared.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        As `write_scaffold`.
    """
    _refuse_existing(dict.fromkeys(_SIMULATED_FILES, folder), folder)
    written = write_scaffold(folder)
    plan = folder / "study.yaml"
    text = plan.read_text(encoding="utf-8").replace(*_SIMULATED)
    if images:
        text = "\n".join(line.removeprefix(_OPTIONAL_LINE) for line in text.split("\n"))
    plan.write_text(text, encoding="utf-8")
    return written


def _refuse_existing(sources: dict[str, Path], folder: Path) -> None:
    existing = [name for name in sources if (folder / name).exists()]
    if existing:
        rule = "files of a study are there already, and are never overwritten"
        raise refuse(str(folder), rule, "name a new folder, or move these files away", existing)


def _copy(sources: dict[str, Path], folder: Path) -> list[Path]:
    _refuse_existing(sources, folder)
    writable_folder(folder)
    (folder / "tables").mkdir(exist_ok=True)
    for name, source in sources.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return [folder / name for name in sources]
