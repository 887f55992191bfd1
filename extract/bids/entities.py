"""Names of files by BIDS: entities, suffix and extension."""

from __future__ import annotations

__all__ = ["DATATYPES", "ENTITIES", "native_space", "parse_name", "run_number"]

DATATYPES = frozenset({"anat", "beh", "dwi", "eeg", "fmap", "func", "ieeg", "meg", "micr", "motion", "nirs", "perf", "pet"})  # fmt: skip
"""Folders of a session that name the kind of data."""

ENTITIES = (
    "sub", "ses", "sample", "task", "acq", "ce", "trc", "rec", "dir", "run", "mod", "echo", "flip", "inv", "mt", "part",
    "proc", "hemi", "space", "cohort", "split", "recording", "chunk", "seg", "feature", "atlas", "measure", "scale", "res", "den", "label", "from",
    "to", "mode", "model", "odfmodel", "fit", "param", "mdp", "mfp", "stat", "bundle", "bundles", "coordsys", "trkmethod",
    "recogmethod", "desc",
)  # fmt: skip
"""Entities that names of images, maps, masks, transforms and streamlines have, in the order of the index."""

_NATIVE = frozenset(
    {
        "",
        "acpc",
        "t1w",
        "t2w",
        "flair",
        "dwi",
        "orig",
        "native",
        "subject",
        "anat",
        "individual",
        "func",
        "boldref",
    }
)


def parse_name(name: str) -> tuple[dict[str, str], str, str]:
    """Split the name of a file.

    Parameters
    ----------
    name : str
        E.g. ``sub-01_ses-1_desc-preproc_dwi.nii.gz``.

    Returns
    -------
    dict of str to str
        Value of each entity; names of entities in small letters, whatever their case in the file name.
    str
        Suffix: what follows the last ``_``.
    str
        Extension with its dot: what follows the first dot.

    Examples
    --------
    >>> parse_name("sub-01_Desc-preproc_dwi.nii.gz")
    ({'sub': '01', 'desc': 'preproc'}, 'dwi', '.nii.gz')
    """
    stem, dot, rest = name.partition(".")
    *pieces, suffix = stem.split("_")
    entities = {}
    for piece in pieces:
        entity, dash, value = piece.partition("-")
        if dash and value and entity.isalpha():
            entities[entity.lower()] = value
    return entities, suffix, dot + rest


def run_number(run: str | None) -> int | None:
    """Return the number of a run, None where runs are not numbered."""
    return int(run) if run and run.isdecimal() else None


def native_space(space: str) -> str:
    """Return the name of a space, and an empty one for every name of the participant's own.

    QSIPrep called T1w until version 0.24 what it calls ACPC since 1.0; a file that names no space stands in it too.
    """
    return "" if space.lower() in _NATIVE else space.lower()
