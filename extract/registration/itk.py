"""Transforms of ITK and ANTs: affine text and matrix files, displacement fields, composite HDF5 files.

ITK counts mm to the left, to the back and upwards, and maps points of the reference to points of the moving image; so do we, in
mm to the right, to the front and upwards. Where a file has several transforms, the last one acts on a point first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurotrial.extract.registration.itk_steps import step_of
from neurotrial.extract.registration.transform import Affine, Field, Transform
from neurotrial.extract.scan_result import ScanFault

__all__ = ["read_transform"]

_HEADER = "#Insight Transform File"
_VECTOR_INTENT = 1007
_FIELD_SHAPE = "x, y, z, 1, 3"


def read_transform(path: str | Path) -> Transform:
    """Read a transform as ANTs, fMRIPrep and QSIPrep write it.

    Parameters
    ----------
    path : str or Path
        ``.txt`` or ``.tfm`` (ITK text), ``.mat`` (ANTs' GenericAffine), ``.nii`` or ``.nii.gz`` (displacement field, intent
        vector), ``.h5`` (composite). A file ``from-A_to-B`` resamples images of A on grids of B.

    Returns
    -------
    Transform
        In mm to the right, anterior, superior, ready for `Transform.apply`.

    Raises
    ------
    ScanFault
        If the file is missing, empty, of another kind, or holds a kind of transform that is not read (e.g. a B-spline).
    """
    path = Path(path)
    if not path.is_file():
        raise ScanFault(path.name, "the transform does not exist", "add the file, or register without it")
    if not path.stat().st_size:
        raise ScanFault(path.name, "is empty (0 bytes)", "copy or make the file again")
    reader = next((read for suffixes, read in _READERS.items() if path.name.endswith(suffixes)), None)
    if reader is None:
        known = ", ".join(suffix for suffixes in _READERS for suffix in suffixes)
        raise ScanFault(path.name, "is no transform that is read", f"use one of {known}")
    try:
        steps = reader(path)
    except (ValueError, KeyError, IndexError, OSError, TypeError) as error:
        raise ScanFault(path.name, f"is no readable transform: {error}", "make the file again") from None
    for step in steps:
        _check(step, path.name)
    return Transform(tuple(reversed(steps)))


def _read_text(path: Path) -> list[Affine | Field]:
    """Read the transforms of an ITK text file in their order in the file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0].startswith(_HEADER):
        raise ValueError(f"its first line is not {_HEADER!r}")
    entries = [line.split(":", 1) for line in lines if ":" in line]
    kinds = [value.strip() for key, value in entries if key.strip() == "Transform"]
    moved, fixed = (
        [_numbers(value) for key, value in entries if key.strip() == wanted]
        for wanted in ("Parameters", "FixedParameters")
    )
    return [
        step
        for kind, free, centre in zip(kinds, moved, fixed, strict=True)
        for step in step_of(kind, free, centre, path.name)
    ]


def _numbers(text: str) -> Any:
    return np.array([float(word) for word in text.split()])


def _read_matrix(path: Path) -> list[Affine | Field]:
    """Read a MATLAB 4 file: one array named after the kind of transform, and its centre in ``fixed``."""
    from scipy.io import loadmat

    arrays: Mapping[str, Any] = {
        name: value for name, value in loadmat(path).items() if not name.startswith("__")
    }
    centre = np.ravel(arrays.get("fixed", np.zeros(3)))
    kinds = [name for name in arrays if name != "fixed"]
    return [step for kind in kinds for step in step_of(kind, np.ravel(arrays[kind]), centre, path.name)]


def _read_composite(path: Path) -> list[Affine | Field]:
    """Read the transforms of an HDF5 file in their order in the file; older ITK misspelt the names of the arrays."""
    import h5py

    steps: list[Affine | Field] = []
    with h5py.File(path, "r") as file:
        groups = file["TransformGroup"]
        for number in sorted(groups, key=int):
            group = groups[number]
            kind = np.ravel(group["TransformType"][()])[0].decode()
            free, fixed = (
                next(
                    (group[word + name][()] for word in ("Transform", "Tranform") if word + name in group),
                    None,
                )
                for name in ("Parameters", "FixedParameters")
            )
            steps += step_of(kind, np.zeros(0) if free is None else free, fixed, path.name)
    return steps


def _read_field(path: Path) -> list[Affine | Field]:
    """Read a displacement field: five dimensions, intent vector, left-posterior-superior."""
    import nibabel as nib

    image: Any = nib.load(path)
    shape = " x ".join(map(str, image.shape))
    if len(image.shape) != len(_FIELD_SHAPE.split(", ")) or image.shape[3:] != (1, 3):
        raise ScanFault(
            path.name, f"is no displacement field: {shape}", f"it must be {_FIELD_SHAPE}, as ITK has it"
        )
    if int(image.header["intent_code"]) != _VECTOR_INTENT:
        rule = "has no intent `vector`, so its convention is unknown"
        raise ScanFault(
            path.name, rule, "use a field written by ITK or ANTs, or set intent code 1007 if it is one"
        )
    displacement = np.asarray(image.dataobj, dtype=np.float32)[..., 0, :] * np.array([-1, -1, 1], np.float32)
    return [Field(displacement, np.asarray(image.affine, dtype=float))]


def _check(step: Affine | Field, name: str) -> None:
    """Refuse what is no map of space."""
    values = step.matrix if isinstance(step, Affine) else step.displacement
    if not np.isfinite(values).all():
        raise ScanFault(name, "has numbers that are not finite", "make the transform again")
    linear = step.matrix if isinstance(step, Affine) else step.affine
    if abs(np.linalg.det(linear[:3, :3])) < np.finfo(float).eps:
        raise ScanFault(name, "its matrix has no inverse", "make the transform again")


_READERS: Mapping[tuple[str, ...], Callable[[Path], list[Affine | Field]]] = {
    (".txt", ".tfm"): _read_text,
    (".mat",): _read_matrix,
    (".h5", ".hdf5"): _read_composite,
    (".nii", ".nii.gz"): _read_field,
}
