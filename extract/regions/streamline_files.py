"""Reading streamlines of other programs, in mm of the scanner's space."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.scan_result import ScanFault

__all__ = ["Streamlines", "read_streamlines"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Streamlines = list[FloatArray]
"""Points of each streamline in mm, x < 0 to the left; each array of shape (n_points, 3)."""

_FORMATS = (".trk", ".tck", ".trx")
_FEWEST_POINTS = 2


def read_streamlines(path: Path | str) -> Streamlines:
    """Read the streamlines of a file.

    Parameters
    ----------
    path : Path or str
        A file of TrackVis (.trk), MRtrix3 (.tck) or TRX (.trx; needs ``neurotrial[streamlines]``).

    Returns
    -------
    list of ndarray, shape (n_points, 3)
        Points in mm, x < 0 to the left, y to the front, z upwards. A file without streamlines gives an empty list: a
        lesion may leave none.

    Raises
    ------
    ScanFault
        If the file is empty, unreadable, says nothing about the space of its points, or has points that are no numbers.
    InputError
        If the format is another, or what reads TRX is not installed.
    """
    path = Path(path)
    if path.suffix not in _FORMATS:
        raise refuse(path.name, f"streamlines are in one of {', '.join(_FORMATS)}", "convert the file")
    if path.stat().st_size == 0:
        raise ScanFault(path.name, "is empty (0 bytes)", "copy or make the file again")
    found = _read_trx(path) if path.suffix == ".trx" else _read_tractogram(path)
    streamlines = [np.asarray(points, dtype="float64") for points in found if len(points) >= _FEWEST_POINTS]
    if not all(np.isfinite(points).all() for points in streamlines):
        raise ScanFault(path.name, "has points that are no numbers", "make the streamlines again")
    return streamlines


def _read_tractogram(path: Path) -> Any:
    import nibabel as nib
    from nibabel.streamlines.tractogram_file import HeaderWarning

    try:
        with warnings.catch_warnings(), np.errstate(invalid="ignore"):
            # nibabel only warns where a header has no space, and takes voxels for mm
            warnings.simplefilter("error", category=HeaderWarning)
            tractogram = nib.streamlines.load(path)
    except HeaderWarning as problem:
        raise _no_space(path, str(problem).splitlines()[0]) from None
    except Exception as problem:  # noqa: BLE001 - a damaged file fails in the reader wherever its bytes lead
        raise _unreadable(path, problem) from None
    if path.suffix == ".trk":
        header = tractogram.header
        _check_space(path, header["dimensions"], header["voxel_to_rasmm"])
    return tractogram.streamlines


def _read_trx(path: Path) -> Any:
    try:
        from trx import trx_file_memmap
    except ImportError:
        remedy = "pip install 'neurotrial[streamlines]', or convert the file to .trk or .tck"
        raise refuse(path.name, "TRX files are read by trx-python, which is not installed", remedy) from None
    try:
        loaded: Any = trx_file_memmap.load(str(path))
    except Exception as problem:  # noqa: BLE001 - as for the other formats
        raise _unreadable(path, problem) from None
    try:
        header: Mapping[str, Any] = loaded.header
        _check_space(path, header["DIMENSIONS"], header["VOXEL_TO_RASMM"])
        return [np.array(points) for points in loaded.streamlines]
    finally:
        loaded.close()


def _check_space(path: Path, dimensions: Any, affine: Any) -> None:
    """Refuse a header whose image is a single voxel, or whose affine is no coordinate system: points of unknown space."""
    matrix = np.asarray(affine, dtype="float64")
    if np.max(dimensions) <= 1:
        shape = " x ".join(str(int(size)) for size in dimensions)
        raise _no_space(path, f"its header has an image of {shape} voxels")
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < np.finfo(float).eps:
        raise _no_space(path, "the affine of its header is no coordinate system")


def _no_space(path: Path, why: str) -> ScanFault:
    remedy = "save the streamlines again with the diffusion image as their reference"
    return ScanFault(path.name, f"does not say in which space its points are: {why}", remedy)


def _unreadable(path: Path, problem: Exception) -> ScanFault:
    said = (str(problem) or type(problem).__name__).splitlines()[0].replace(str(path), path.name)
    return ScanFault(path.name, f"holds no readable streamlines: {said}", "copy or make the file again")
