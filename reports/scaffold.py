"""The files of a new study folder, written from the package's own copies."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from neurotrial.errors import refuse
from neurotrial.paths import writable_folder

__all__ = ["write_demo", "write_scaffold"]

_TOP = ("study.yaml", "_quarto.yml")
_DOCUMENT_SUFFIXES = (".qmd", ".bib", ".csl", ".lua")
_SIMULATED = ("simulated: false", "simulated: true")


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


def write_demo(folder: Path) -> list[Path]:
    """Write the simulated table study: the scaffold, marked as simulated, with its tables.

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
        As `write_scaffold`.
    """
    with as_file(files("neurotrial.reports") / "templates" / "demo") as demo:
        tables = {f"tables/{path.name}": path for path in sorted((demo / "tables").iterdir())}
        _refuse_existing(tables, folder)
        written = [*write_scaffold(folder), *_copy(tables, folder)]
    plan = folder / "study.yaml"
    plan.write_text(plan.read_text(encoding="utf-8").replace(*_SIMULATED), encoding="utf-8")
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
