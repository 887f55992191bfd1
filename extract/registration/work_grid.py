"""The grids on which images are registered: isotropic, about the contents of an image, alike for a mirrored one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.registration.sampling import sample
from neurotrial.extract.registration.transform import Transform, identity
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

__all__ = ["WorkGrid", "on_grid", "volume_of", "work_grid"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_MARGIN_VOXELS = 2
_WINDOW_VOXELS = 4
"""Margin that keeps the correlation's window, radius 4, inside the grid wherever there is tissue."""


@dataclass(frozen=True, slots=True, eq=False)
class WorkGrid:
    """An isotropic grid.

    Attributes
    ----------
    shape : tuple of int
        One more than a multiple of four, so that planes stay symmetric about the middle when the resolution is halved once
        and twice: a mirrored image is registered on a mirrored grid. With a spare plane at the end, where dipy's symmetric
        registration would otherwise leave out the last plane of its coarsest level, which moves tissue by up to 2 mm.
    affine : ndarray, shape (4, 4)
    """

    shape: tuple[int, int, int]
    affine: FloatArray

    @property
    def centre(self) -> FloatArray:
        """Middle of the symmetric voxels in mm, shape (3,)."""
        middle: FloatArray = (
            self.affine[:3, :3] @ (2 * ((np.array(self.shape) - 1) // 4)) + self.affine[:3, 3]
        )
        return middle


def volume_of(image: SpatialImage, name: str) -> tuple[FloatArray, FloatArray]:
    """Return the values of an image on its canonical grid, and its affine; NaN becomes 0.

    Raises
    ------
    ScanFault
        If it has not three dimensions or nothing but one value.
    """
    import nibabel as nib

    if len(image.shape) != 3:  # noqa: PLR2004 - a volume
        shape = " x ".join(map(str, image.shape))
        raise ScanFault(name, f"must have 3 dimensions, it is {shape}", "give one volume")
    canonical: Any = nib.as_closest_canonical(image)
    data = np.nan_to_num(np.asarray(canonical.dataobj, dtype=float), nan=0.0, posinf=0.0, neginf=0.0)
    if data.min() == data.max():
        raise ScanFault(name, f"is an empty image: every voxel is {data.flat[0]:g}", "name the right file")
    return data, np.asarray(canonical.affine, dtype=float)


def work_grid(data: Any, affine: Any, voxel_mm: float, *, deformable: bool = False) -> WorkGrid:
    """Return the grid about the voxels of an image that are not 0, with a margin; for the deformable stage a spare plane more."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    found = [np.flatnonzero(data.any(axis=other)) for other in ((1, 2), (0, 2), (0, 1))]
    first, last = (np.array([places[end] for places in found], dtype=float) for end in (0, -1))
    extent = (last - first) * spacing + 2 * voxel_mm * (_WINDOW_VOXELS if deformable else _MARGIN_VOXELS)
    shape = tuple(4 * math.ceil(side / voxel_mm / 4) + 1 for side in extent)
    grid = np.eye(4)
    grid[:3, :3] = affine[:3, :3] / spacing * voxel_mm
    middle = affine[:3, :3] @ ((first + last) / 2) + affine[:3, 3]
    grid[:3, 3] = middle - grid[:3, :3] @ ((np.array(shape) - 1) / 2)
    return WorkGrid((shape[0] + deformable, shape[1] + deformable, shape[2] + deformable), grid)


def on_grid(
    data: Any, affine: Any, grid: WorkGrid, *, transform: Transform | None = None, smooth_mm: float = 0.0
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Resample an array on a work grid, linearly, smoothed before where the grid is coarser."""
    from scipy.ndimage import gaussian_filter

    values = np.asarray(data, dtype=np.float32)
    if smooth_mm:
        values = gaussian_filter(values, smooth_mm / np.linalg.norm(affine[:3, :3], axis=0))
    indices = (transform or identity()).indices(affine, grid.shape, grid.affine)
    return sample(values, indices, 1).reshape(grid.shape).astype(np.float32)
