"""Where atlases are looked for on a machine; nothing is ever fetched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.extract.atlases.registry import Copy, copy_of_digest, known_atlases

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PLACES", "atlas_folders", "copies_found", "file_sha256", "find_atlases"]

PLACES = ("fsl", "mricron", "templateflow")
_MRICRON = "/usr/share/mricron/templates"
_TEMPLATEFLOW = ("*_atlas-*_dseg.nii.gz", "*_atlas-*_probseg.nii.gz")
_COLUMNS = ("name", "place", "file", "path", "state", "detail", "space", "licence")


def atlas_folders(environment: Mapping[str, str] | None = None) -> dict[str, Path | None]:
    """Return the folder of each place where atlases are installed; None where the environment names none.

    Parameters
    ----------
    environment : mapping of str to str, optional
        ``FSLDIR`` and ``TEMPLATEFLOW_HOME`` count; by default those of the process.
    """
    known = os.environ if environment is None else environment
    fsl, templateflow = known.get("FSLDIR"), known.get("TEMPLATEFLOW_HOME")
    return {
        "fsl": Path(fsl) / "data" / "atlases" if fsl else None,
        "mricron": Path(_MRICRON),
        "templateflow": Path(templateflow) if templateflow else None,
    }


def copies_found(name: str, folders: Mapping[str, Path | None]) -> list[tuple[Copy, Path]]:
    """Return the copies of a known atlas that exist, in the order of the registry; a file of 0 bytes is one too."""
    paths = [(copy, _path_of(copy, folders)) for copy in known_atlases()[name].copies]
    return [(copy, path) for copy, path in paths if path is not None and path.is_file()]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_atlases(folders: Mapping[str, Path | None] | None = None) -> pd.DataFrame:
    """List the atlases that this machine has, those that are known and missing, and those that need a table of labels.

    Parameters
    ----------
    folders : mapping of str to Path or None, optional
        Folder of each place; by default `atlas_folders`.

    Returns
    -------
    DataFrame
        One row for each copy: name (n/a for files that are not in the registry), place, file, path, space, licence, and the
        state with its detail. States: ``ready``, ``faulty header`` (to be read with ``repair=True``), ``unknown file``
        (another sum than the registry's), ``empty`` (0 bytes, as TemplateFlow's placeholders are), ``needs labels``,
        ``not found``.
    """
    import pandas as pd

    places = atlas_folders() if folders is None else folders
    rows = [*_known_rows(places), *_templateflow_rows(places.get("templateflow"))]
    return pd.DataFrame(rows, columns=list(_COLUMNS), dtype="str")


def _path_of(copy: Copy, folders: Mapping[str, Path | None]) -> Path | None:
    folder = folders.get(copy.place)
    return None if folder is None else folder / copy.file


def _known_rows(folders: Mapping[str, Path | None]) -> list[dict[str, str | None]]:
    rows = []
    for atlas in known_atlases().values():
        for copy in atlas.copies:
            path = _path_of(copy, folders)
            state, detail = _state(copy, path)
            plain = {
                "name": atlas.name,
                "place": copy.place,
                "file": copy.file,
                "path": str(path) if path else None,
            }
            rows.append(
                plain | {"state": state, "detail": detail, "space": atlas.space, "licence": atlas.licence}
            )
    return rows


def _state(copy: Copy, path: Path | None) -> tuple[str, str]:
    if path is None:
        return "not found", f"the environment names no folder of {copy.place}"
    if not path.is_file():
        return "not found", f"there is no {path.name} in {path.parent}"
    if path.stat().st_size == 0:
        return "empty", "0 bytes: a placeholder"
    if copy.sha256 is None:
        return "ready", "no sum is known; the sides are checked when it is read"
    if copy_of_digest(file_sha256(path)) is None:
        return "unknown file", "has another sum than the one that is known"
    return ("faulty header", " ".join(copy.fault.split())) if copy.fault else ("ready", "its sum is known")


def _templateflow_rows(folder: Path | None) -> list[dict[str, str | None]]:
    if folder is None or not folder.is_dir():
        return []
    paths = sorted(path for pattern in _TEMPLATEFLOW for path in folder.rglob(pattern))
    rows = []
    for path in paths:
        empty = path.stat().st_size == 0
        detail = "0 bytes: a placeholder" if empty else "pass `labels`: value, structure, hemisphere"
        state = "empty" if empty else "needs labels"
        plain = {"name": None, "place": "templateflow", "file": path.name, "path": str(path)}
        space = path.name.split("_", 1)[0].removeprefix("tpl-")
        rows.append(plain | {"state": state, "detail": detail, "space": space, "licence": None})
    return rows
