"""Reading an atlas by its name or its file, so that a mirrored one is a message and not a wrong side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.extract.atlases.atlas import Atlas
from neurotrial.extract.atlases.header import affine_problems, mended, with_form
from neurotrial.extract.atlases.label_tables import COLUMNS, labels_beside, read_labels
from neurotrial.extract.atlases.places import atlas_folders, copies_found, file_sha256
from neurotrial.extract.atlases.registry import copy_of_digest, copy_of_file_name, known_atlases
from neurotrial.extract.atlases.side_check import side_problems
from neurotrial.extract.atlases.volume import MAPS, atlas_volume, open_volume

if TYPE_CHECKING:
    from neurotrial.extract.atlases.header import Form
    from neurotrial.extract.atlases.registry import Copy, KnownAtlas, Labels

__all__ = ["read_atlas"]


def read_atlas(
    path_or_name: str | Path,
    *,
    labels: str | Path | None = None,
    repair: bool = False,
    form: Form | None = None,
    space: str | None = None,
    folders: Mapping[str, Path | None] | None = None,
) -> Atlas:
    """Read an atlas and make sure that its left is left.

    Parameters
    ----------
    path_or_name : str or Path
        A name of the registry, e.g. ``jhu-icbm-labels-1mm``, which is looked for where FSL, MRIcron and TemplateFlow are
        installed; or a file: a volume of labels (x, y, z), or probability maps (x, y, z, maps) from 0 to 1 or 0 to 100.
    labels : str or Path, optional
        Table of labels, see `neurotrial.extract.atlases.label_tables.read_labels`. By default that of the registry for a
        file it knows, else the table that lies beside the file under the same name.
    repair : bool
        Mend a fault of the header that the registry documents for this very file (by its sum). By default a faulty file is
        refused, so that nobody reads a repaired atlas without having said so.
    form : {"sform", "qform"}, optional
        Which affine of the header holds where both are set and contradict each other.
    space : str, optional
        Template space of a file of your own.
    folders : mapping of str to Path or None, optional
        Where each place has its atlases; by default `neurotrial.extract.atlases.places.atlas_folders`.

    Returns
    -------
    Atlas

    Raises
    ------
    InputError
        If the name is unknown or not installed; the file is empty, no image or no volume of labels; sform and qform
        contradict each other; a label of the table has no voxel; or the centroid of a region lies in the other hemisphere
        than its name says.

    References
    ----------
    Rohlfing T. Incorrect ICBM-DTI-81 atlas orientation and white matter labels. Front Neurosci 2013;7:4.
    https://doi.org/10.3389/fnins.2013.00004
    """
    path, name = _locate(path_or_name, atlas_folders() if folders is None else folders)
    if not path.stat().st_size:
        remedy = "it is a placeholder, or its copy was cut off: put the volume itself there"
        raise refuse(path.name, "is empty (0 bytes)", remedy)
    digest = file_sha256(path)
    known, copy = copy_of_digest(digest) or _by_file_name(path, labels) or (None, None)
    table = _labels(path, labels, known)
    raw, problems, repaired = _header(open_volume(path), path, copy, repair=repair, form=form)
    image = atlas_volume(raw, path)
    where = (space or (known.space if known else None), known.licence if known else "not stated", digest)
    atlas = Atlas(known.name if known else name, image, table, *where, repaired=repaired)
    problems += _missing_labels(atlas, path.name)
    problems += side_problems(atlas, path.name, _side_remedy(copy))
    if problems:
        raise InputError(problems)
    return atlas


def _locate(path_or_name: str | Path, folders: Mapping[str, Path | None]) -> tuple[Path, str]:
    """Return the file, and what it is called where the registry does not know it."""
    name = str(path_or_name)
    if name in known_atlases():
        found = [path for _, path in copies_found(name, folders)]
        if not found:
            looked = ", ".join(f"{copy.place}: {copy.file}" for copy in known_atlases()[name].copies)
            remedy = "install one of them, set FSLDIR, or give the path of a file; nothing is fetched"
            raise refuse(name, f"is not installed; looked for {looked}", remedy)
        return next((path for path in found if path.stat().st_size), found[0]), name
    path = Path(path_or_name)
    if not path.is_file():
        rule = "is no file, and no name of an atlas"
        raise refuse(name, rule, f"give a path, or one of: {', '.join(known_atlases())}")
    return path, path.name.split(".nii")[0]


def _by_file_name(path: Path, labels: str | Path | None) -> tuple[KnownAtlas, Copy] | None:
    """Return what the registry knows under a file name; a copy with another sum than the known one may mean other labels."""
    found = None if labels else copy_of_file_name(path.name)
    if found and found[1].sha256:
        rule = f"has another content than the known {found[0].name} of {found[1].place} (by its SHA-256)"
        remedy = f"check what its values mean and pass your own table as `labels`: {', '.join(COLUMNS)}"
        raise refuse(path.name, rule, remedy)
    return found


def _labels(path: Path, labels: str | Path | None, known: KnownAtlas | None) -> Labels:
    if labels is not None:
        return read_labels(Path(labels))
    if known is not None:
        return known.labels
    beside = labels_beside(path)
    if beside is None:
        rule = "its labels are unknown: it is not in the registry, and no table lies beside it"
        raise refuse(path.name, rule, f"pass `labels`: a TSV with the columns {', '.join(COLUMNS)}")
    return read_labels(beside)


def _header(
    raw: Any, path: Path, copy: Copy | None, *, repair: bool, form: Form | None
) -> tuple[Any, list[Problem], str | None]:
    """Return the image where its header puts it, what is wrong with the header, and which fault was mended."""
    if repair and copy is not None and copy.x_row is not None:
        return mended(raw, copy), [], copy.fault
    if form is not None:
        return with_form(raw, form), [], None
    return raw, affine_problems(raw, path.name, _form_remedy(copy)), None


def _missing_labels(atlas: Atlas, where: str) -> list[Problem]:
    """Return the problem of labels without a voxel, or none."""
    data = np.asanyarray(atlas.image.dataobj)
    there = set(np.unique(data).tolist()) if data.ndim < MAPS else set(_maps_with_weight(data))
    rows = tuple(
        f"{value}: {region} ({hemisphere})"
        for (region, hemisphere), values in atlas.labels.items()
        for value in values
        if value not in there
    )
    rule = "has no voxel of these labels of its table"
    return [Problem(where, rule, "check that table and volume belong together", rows)] if rows else []


def _maps_with_weight(data: np.ndarray[Any, Any]) -> list[int]:
    return np.flatnonzero(data.max(axis=(0, 1, 2)) > 0).tolist()


def _form_remedy(copy: Copy | None) -> str:
    if copy is not None and copy.x_row is not None:
        return "repair=True mends this too"
    return "name the one that holds: form='sform' or form='qform'"


def _side_remedy(copy: Copy | None) -> str:
    if copy is not None and copy.x_row is not None:
        return "this fault of this very file is documented: read it with repair=True"
    return (
        "mend the affine of the file, or the hemispheres of the table of labels; do not swap sides afterwards"
    )
