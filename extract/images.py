"""Reading images so that a broken file is a message and not a crash, and orientation is never guessed."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

__all__ = [
    "Grid", "check_grid", "file_of", "forms_apart", "image_data", "mask_on", "on_grid", "open_image", "read_image",
    "space_of", "voxels_in", "weights_on", "world_x",
]  # fmt: skip

_GRID_TOLERANCE_MM = 1e-3
_FORMS_TOLERANCE_MM = 0.5
_OWN_SPACES = 2
"""Codes of NIfTI up to this one are spaces of the participant; those above are templates."""
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


class Grid(Protocol):
    """What has a shape and an affine: an image, or a stream of volumes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""

    @property
    def affine(self) -> Any:
        """Voxels to mm, shape (4, 4)."""


def read_image(path: Path, dimensions: int, *, one_space: bool = True) -> SpatialImage:
    """Open an image in the closest canonical orientation (first axis to the right, then anterior, then superior).

    Parameters and faults are those of `open_image`. An image that has to be turned is read at once.
    """
    import nibabel as nib

    canonical: SpatialImage = nib.as_closest_canonical(open_image(path, dimensions, one_space=one_space))
    return canonical


def open_image(path: Path, dimensions: int, *, one_space: bool = True) -> SpatialImage:
    """Open an image in the orientation of its file, and check its header.

    Parameters
    ----------
    path : Path
        A NIfTI file.
    dimensions : int
        3 for a volume, 4 for a series.
    one_space : bool
        Whether a header whose two coordinate systems contradict each other is refused.

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
    if one_space:
        _check_forms(image, path)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < np.finfo(float).eps:
        raise ScanFault(path.name, "its affine is no coordinate system", "mend sform and qform of the header")
    found: SpatialImage = image
    return found


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


def forms_apart(image: Any) -> float:
    """Return by how many mm sform and qform of a header place a corner of the grid apart; 0 where one of them is not set."""
    header = image.header
    if not hasattr(header, "get_qform") or not header["sform_code"] or not header["qform_code"]:
        return 0.0
    corners = np.array([(*corner, 1.0) for corner in product(*((0, size - 1) for size in image.shape[:3]))])
    apart = corners @ (header.get_sform() - header.get_qform()).T
    return float(np.linalg.norm(apart[:, :3], axis=1).max())


def _check_forms(image: Any, path: Path) -> None:
    """Refuse a header whose two coordinate systems contradict each other.

    A template space in the sform beside the scanner's in the qform is no contradiction: NIfTI has two so that both fit in.

    Raises
    ------
    ScanFault
        If both claim the same space, or two of the participant's own, and differ by more than half a millimetre.
    """
    apart = forms_apart(image)
    if (
        apart > _FORMS_TOLERANCE_MM
        and not image.header["sform_code"] > _OWN_SPACES >= image.header["qform_code"]
    ):
        rule = f"its sform and its qform disagree by {apart:.1f} mm"
        raise ScanFault(path.name, rule, "find out which one is right, and set both to it")


def on_grid(image: Grid, reference: Grid) -> bool:
    """Whether an image stands on the grid of another, within 0.001 mm."""
    return image.shape[:3] == reference.shape[:3] and np.allclose(
        image.affine, reference.affine, atol=_GRID_TOLERANCE_MM, rtol=0
    )


def check_grid(image: Grid, path: Path, reference: Grid, reference_path: Path) -> None:
    """Make sure that an image stands on the grid of another.

    Raises
    ------
    ScanFault
        If shape or affine (by more than 0.001 mm) differ.
    """
    if not on_grid(image, reference):
        ours, theirs = (" x ".join(map(str, item.shape[:3])) for item in (image, reference))
        rule = f"stands on another grid ({ours}) than {reference_path.name} ({theirs}), or elsewhere in space"
        raise ScanFault(path.name, rule, "resample it to that image, or name the space of both (space-)")


def weights_on(path: Path, reference: Grid, reference_path: Path) -> FloatArray:
    """Read a mask, or weights of 0 to 1, on the grid of an image.

    Parameters
    ----------
    path : Path
        Its file.
    reference : Grid
        Gives the grid.
    reference_path : Path
        File of that image.

    Returns
    -------
    ndarray of float32, shape of the reference
        Where both names say the same space (``space-``) but grids differ, weights are interpolated linearly by the
        coordinates of both headers.

    Raises
    ------
    ScanFault
        If the image stands on another grid, in a space that is not said to be the same; if nothing of it lies on the grid;
        or if its values are no weights.
    """
    image = read_image(path, 3)
    data = image_data(image, path)
    values = np.unique(data) if data.max() > 1 else data[:0]
    if len(values) == 2:  # noqa: PLR2004 - a mask of any two values
        data = np.asarray(data == values[1], dtype=np.float32)
    elif not (data.min() >= 0 and data.max() <= 1):
        rule = f"holds values from {data.min():g} to {data.max():g}, which are neither a mask nor weights of 0 to 1"
        raise ScanFault(path.name, rule, "take the mask of one region, or divide percentages by 100")
    if on_grid(image, reference):
        return data
    if space_of(path) is None or space_of(path) != space_of(reference_path):
        check_grid(image, path, reference, reference_path)
    moved = _resampled(data, image.affine, reference)
    if data.any() and not moved.any():
        rule = f"does not overlap with {reference_path.name}, though both are said to be in the space {space_of(path)}"
        raise ScanFault(path.name, rule, "correct the header of one of them")
    return moved


def mask_on(path: Path, reference: Grid, reference_path: Path) -> BoolArray:
    """Read a mask on the grid of an image, as `weights_on`; voxels of at least one half are in it."""
    return np.asarray(weights_on(path, reference, reference_path) >= 1 / 2)


def space_of(path: Path) -> str | None:
    """Return the space that the name of a file says (``space-``), None where it says none."""
    found = re.search(r"_space-([A-Za-z0-9]+)", path.name)
    return found[1] if found else None


def _resampled(data: FloatArray, affine: Any, reference: Grid) -> FloatArray:
    from scipy.ndimage import affine_transform

    to_own = np.linalg.inv(affine) @ reference.affine
    moved = affine_transform(data, to_own[:3, :3], to_own[:3, 3], output_shape=reference.shape[:3], order=1)
    return np.asarray(np.clip(moved, 0, 1), dtype=np.float32)


def voxels_in(data: Any, mask: BoolArray) -> Any:
    """Return the series of the voxels of a mask, shape (voxels, volumes), voxels in the order of ``data[mask]``.

    Volumes of a NIfTI file lie one after the other: picking voxels volume by volume reads each of them once.
    """
    places = np.ravel_multi_index(np.nonzero(mask), mask.shape, order="F")
    series = np.empty((data.shape[3], len(places)), dtype=data.dtype)
    for volume in range(data.shape[3]):
        series[volume] = data[..., volume].ravel(order="F")[places]
    return series.T


def world_x(shape: tuple[int, ...], affine: Any) -> FloatArray:
    """Return the left-right coordinate of every voxel of a grid in mm, negative to the left, in its shape."""
    along = [step * np.arange(n) for step, n in zip(np.asarray(affine)[0, :3], shape, strict=True)]
    x = along[0][:, None, None] + along[1][:, None] + along[2] + affine[0][3]
    return np.asarray(x, dtype=np.float32)


def _first_line(error: Exception, path: Path) -> str:
    """Return what a library says, without the folders, which are not the same on every machine."""
    return (str(error) or type(error).__name__).splitlines()[0].replace(str(path), path.name)
