"""Reading images so that a broken file is a message and not a crash, and orientation is never guessed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

__all__ = ["check_grid", "file_of", "image_data", "mask_on", "read_image", "world_x"]

_GRID_TOLERANCE_MM = 1e-3
_UNREADABLE = (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error)
FloatArray = np.ndarray[Any, np.dtype[np.float32]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


def file_of(files: Mapping[str, Path], role: str, folder: Path | None, wanted: str) -> Path:
    """Return the file of a role.

    Raises
    ------
    ScanFault
        If the scan has none; the message says what was looked for, and where.
    """
    if role not in files:
        place = folder.name if folder else "the session"
        raise ScanFault(f"{place}/", f"there is no {role}: looked for {wanted}", "add the file, or rename it")
    return files[role]


def read_image(path: Path, dimensions: int) -> SpatialImage:
    """Open an image in the closest canonical orientation (first axis to the right, then anterior, then superior).

    Parameters
    ----------
    path : Path
        A NIfTI file.
    dimensions : int
        3 for a volume, 4 for a series.

    Returns
    -------
    SpatialImage
        Its data are not read yet.

    Raises
    ------
    ScanFault
        If the file is empty, no image, has another number of dimensions, or an affine that is no coordinate system.
    """
    import nibabel as nib

    if path.stat().st_size == 0:
        raise ScanFault(path.name, "is empty (0 bytes)", "copy or make the file again")
    try:
        image: Any = nib.load(path)
    except _UNREADABLE as error:
        raise ScanFault(
            path.name, f"is no readable image: {_first_line(error, path)}", "make the file again"
        ) from None
    if len(image.shape) != dimensions or 0 in image.shape:
        shape = " x ".join(map(str, image.shape))
        raise ScanFault(path.name, f"must have {dimensions} dimensions, it is {shape}", "name the right file")
    affine = np.asarray(image.affine)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < np.finfo(float).eps:
        raise ScanFault(path.name, "its affine is no coordinate system", "mend sform and qform of the header")
    canonical: SpatialImage = nib.as_closest_canonical(image)
    return canonical


def image_data(image: SpatialImage, path: Path) -> FloatArray:
    """Read the voxels of an image as float32.

    Raises
    ------
    ScanFault
        If the file ends before its last voxel.
    """
    try:
        return np.asanyarray(image.dataobj).astype(np.float32, copy=False)
    except _UNREADABLE as error:
        rule = f"is cut off or damaged: {_first_line(error, path)}"
        raise ScanFault(path.name, rule, "copy or make the file again") from None


def check_grid(image: SpatialImage, path: Path, reference: SpatialImage, reference_path: Path) -> None:
    """Make sure that an image stands on the grid of another.

    Raises
    ------
    ScanFault
        If shape or affine (by more than 0.001 mm) differ.
    """
    same = image.shape[:3] == reference.shape[:3] and np.allclose(
        image.affine, reference.affine, atol=_GRID_TOLERANCE_MM, rtol=0
    )
    if not same:
        ours, theirs = (" x ".join(map(str, item.shape[:3])) for item in (image, reference))
        rule = f"stands on another grid ({ours}) than {reference_path.name} ({theirs}), or elsewhere in space"
        raise ScanFault(path.name, rule, "resample it to that image")


def mask_on(path: Path, reference: SpatialImage, reference_path: Path) -> BoolArray:
    """Read a mask that stands on the grid of an image; voxels above 0.5 are in it."""
    image = read_image(path, 3)
    check_grid(image, path, reference, reference_path)
    return np.asarray(image_data(image, path) > 0.5)  # noqa: PLR2004 - halfway between the values of a mask


def world_x(shape: tuple[int, ...], affine: Any) -> FloatArray:
    """Return the left-right coordinate of every voxel of a grid in mm, negative to the left, in its shape."""
    along = [step * np.arange(n) for step, n in zip(np.asarray(affine)[0, :3], shape, strict=True)]
    x = along[0][:, None, None] + along[1][:, None] + along[2] + affine[0][3]
    return np.asarray(x, dtype=np.float32)


def _first_line(error: Exception, path: Path) -> str:
    """Return what a library says, without the folders, which are not the same on every machine."""
    return (str(error) or type(error).__name__).splitlines()[0].replace(str(path), path.name)
