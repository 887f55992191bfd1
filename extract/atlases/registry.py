"""The atlases that are known by name: their copies, spaces, licences, labels and the faults of their headers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

__all__ = ["Copy", "KnownAtlas", "Labels", "Region", "copy_of_digest", "copy_of_file_name", "known_atlases"]

Region = tuple[str, str]
Labels = Mapping[Region, tuple[int, ...]]
Kind = Literal["labels", "probability"]


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that holds a known atlas.

    Attributes
    ----------
    place : str
        Who installs it: ``fsl``, ``mricron`` or ``templateflow``.
    file : str
        Path below the folder of that place.
    sha256 : str or None
        Sum of the file; None where the file was never at hand.
    fault : str or None
        What is wrong with the header of the file that has this sum.
    x_row : tuple of float or None
        The first row of the affine that mends it.
    """

    place: str
    file: str
    sha256: str | None = None
    fault: str | None = None
    x_row: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class KnownAtlas:
    """An atlas of the registry.

    Attributes
    ----------
    name, title : str
        What it is selected by, and what it is called.
    space : str
        Template space of its coordinates, as TemplateFlow names it.
    licence : str
        As far as it is known.
    kind : {"labels", "probability"}
        A volume of label values, or a map for each region.
    labels : mapping of (str, str) to tuple of int
        Values (or volumes, from 0) of each structure and hemisphere.
    copies : tuple of Copy
        Files that hold it, the first found is taken.
    """

    name: str
    title: str
    space: str
    licence: str
    kind: Kind
    labels: Labels
    copies: tuple[Copy, ...]


@lru_cache(maxsize=1)
def known_atlases() -> Mapping[str, KnownAtlas]:
    """Return the atlases of the registry by name.

    Examples
    --------
    >>> known_atlases()["jhu-icbm-labels-1mm"].labels["plic", "left"]
    (20,)
    """
    text = files("neurotrial.extract.atlases").joinpath("registry.toml").read_text(encoding="utf-8")
    registry = tomllib.loads(text)
    tables = {name: grouped(rows) for name, rows in registry["tables"].items()}
    return {entry["name"]: _known(entry, tables) for entry in registry["atlas"]}


def grouped(rows: list[list[Any]]) -> Labels:
    """Join the values that share structure and hemisphere, in the order of their first."""
    regions: dict[Region, tuple[int, ...]] = {}
    for value, structure, hemisphere in rows:
        key = structure, hemisphere
        regions[key] = (*regions.get(key, ()), int(value))
    return regions


def copy_of_digest(digest: str) -> tuple[KnownAtlas, Copy] | None:
    """Return the atlas and its copy that have a sum, wherever the file lies; None for an unknown one."""
    found = (
        (atlas, copy) for atlas in known_atlases().values() for copy in atlas.copies if copy.sha256 == digest
    )
    return next(found, None)


def copy_of_file_name(name: str) -> tuple[KnownAtlas, Copy] | None:
    """Return the atlas and its copy of a file name; None for an unknown one."""
    found = (
        (atlas, copy)
        for atlas in known_atlases().values()
        for copy in atlas.copies
        if copy.file.rsplit("/", 1)[-1] == name
    )
    return next(found, None)


def _known(entry: Mapping[str, Any], tables: Mapping[str, Labels]) -> KnownAtlas:
    copies = tuple(_copy(copy) for copy in entry["copy"])
    plain = {key: entry[key] for key in ("name", "title", "space", "licence", "kind")}
    return KnownAtlas(**plain, labels=tables[entry["table"]], copies=copies)


def _copy(entry: Mapping[str, Any]) -> Copy:
    row = entry.get("x_row")
    fault = entry["fault"].strip() if "fault" in entry else None
    return Copy(entry["place"], entry["file"], entry.get("sha256"), fault, tuple(row) if row else None)
