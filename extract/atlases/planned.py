"""The atlas that a study file names: read once a process, though every scan asks for it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.extract.atlases.loading import read_atlas
from neurotrial.extract.atlases.places import atlas_folders, copies_found
from neurotrial.extract.atlases.registry import known_atlases

if TYPE_CHECKING:
    from neurotrial.extract.atlases.atlas import Atlas

__all__ = ["planned_atlas", "planned_atlas_file"]

_KEPT = 8
"""Atlases of one study that a process keeps."""

_State = tuple[Path, int, int]
"""A file with its size and the time of its last change."""


def planned_atlas(name: str, folder: Path, *, labels: str | None = None, repair: bool = False) -> Atlas:
    """Return the atlas that a study file names; it is read again only after one of its files changed.

    Parameters
    ----------
    name : str
        A file in the study folder, or a name of the registry.
    folder : Path
        The study folder.
    labels : str, optional
        Table of labels in the study folder.
    repair : bool
        As for `neurotrial.extract.read_atlas`.

    Raises
    ------
    InputError
        As `neurotrial.extract.read_atlas`.
    """
    volume = planned_atlas_file(name, folder)
    table = None if labels is None else folder / labels
    own = str(folder / name) if (folder / name).is_file() else name
    files = tuple(path for path in (volume, table) if path is not None and path.is_file())
    return _read(own, table, repair, tuple(map(_state, files)))


def planned_atlas_file(name: str, folder: Path) -> Path | None:
    """Return the volume of an atlas that a study file names: its own, else the installed one, else None."""
    own = folder / name
    if own.is_file():
        return own
    if name not in known_atlases():
        return None
    found = [path for _, path in copies_found(name, atlas_folders())]
    return next((path for path in found if path.stat().st_size), found[0] if found else None)


def _state(path: Path) -> _State:
    found = path.stat()
    return path, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=_KEPT)
def _read(name: str, labels: Path | None, repair: bool, state: tuple[_State, ...]) -> Atlas:  # noqa: ARG001
    return read_atlas(name, labels=labels, repair=repair)
