"""The two images of a registration on their work grids, and what makes no sense to register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.images import on_grid as on_same_grid
from neurotrial.extract.registration.sampling import world_points
from neurotrial.extract.registration.work_grid import WorkGrid, on_grid, volume_of, work_grid
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.registration.transform import Transform

__all__ = ["Pair", "Volume", "mask_on_grid", "pair_of"]

_FINEST_MM = 2.0
_COARSE_MM = 4.0
_SMOOTH_MM = 1.4
_HALF = 0.5
_MOST_LESION = 0.5
"""Share of the voxels of an image that a lesion may take; a brain mask given by mistake takes more."""
FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
Volume = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A moving and a static image, canonical.

    Attributes
    ----------
    moving : ndarray, shape (x, y, z)
    moving_affine : ndarray, shape (4, 4)
    static : ndarray, shape (x, y, z)
    static_affine : ndarray, shape (4, 4)
    lesion : ndarray of bool or None
        On the grid of the static image; None if there is none.
    voxel_mm : float
        Of the work grids.
    """

    moving: FloatArray
    moving_affine: FloatArray
    static: FloatArray
    static_affine: FloatArray
    lesion: BoolArray | None
    voxel_mm: float

    @property
    def moving_volume(self) -> Volume:
        """The moving image with its affine."""
        return self.moving, self.moving_affine

    @property
    def static_volume(self) -> Volume:
        """The static image with its affine."""
        return self.static, self.static_affine

    @property
    def grid(self) -> WorkGrid:
        """Work grid of the deformable stage, about the static image."""
        return work_grid(self.static, self.static_affine, self.voxel_mm, deformable=True)

    def static_on(self, grid: WorkGrid) -> Any:
        """Return the static image on its work grid."""
        return on_grid(self.static, self.static_affine, grid)

    def moving_on(self, grid: WorkGrid, transform: Transform) -> Any:
        """Return the moving image on the static image's work grid, carried by a transform."""
        return on_grid(self.moving, self.moving_affine, grid, transform=transform)

    def lesion_on(self, grid: WorkGrid) -> BoolArray | None:
        """Return the voxels of a grid that are at least half lesion; None if there are none."""
        if self.lesion is None:
            return None
        found: BoolArray = on_grid(self.lesion, self.static_affine, grid) >= _HALF
        return found if found.any() else None

    def coarse(self) -> tuple[tuple[Any, WorkGrid], tuple[Any, WorkGrid]]:
        """Return moving and static image on grids of 4 mm (or the work grid's voxels where those are larger)."""
        size = max(_COARSE_MM, self.voxel_mm)
        found = []
        for data, affine in ((self.moving, self.moving_affine), (self.static, self.static_affine)):
            grid = work_grid(data, affine, size)
            found.append((on_grid(data, affine, grid, smooth_mm=_SMOOTH_MM), grid))
        return found[0], found[1]


def pair_of(
    moving: SpatialImage, static: SpatialImage, lesion: Any | None = None, voxel_mm: float | None = None
) -> Pair:
    """Bring two images and a lesion into one form, and refuse what makes no sense.

    Parameters
    ----------
    moving, static : SpatialImage
        Shape (x, y, z), in any orientation, each on its own grid.
    lesion : array of bool or SpatialImage, optional
        On the grid of the static image.
    voxel_mm : float, optional
        Voxels of the work grids; by default 2 mm, or the static image's mean where that is more.

    Raises
    ------
    ScanFault
        If an image is empty or no volume, the two do not overlap, or the lesion stands on another grid or covers more than
        half of the image.
    """
    own, own_affine = volume_of(static, "static")
    other, other_affine = volume_of(moving, "moving")
    _check_overlap(other, other_affine, own, own_affine)
    mask = None if lesion is None else mask_on_grid(lesion, static, "lesion")
    if mask is not None and (mask & (own != 0)).sum() > _MOST_LESION * np.count_nonzero(own):
        raise ScanFault("lesion", "covers more than half of the image", "give the lesion, not the brain")
    size = float(np.linalg.norm(own_affine[:3, :3], axis=0).mean())
    return Pair(
        other, other_affine, own, own_affine, mask if mask is not None and mask.any() else None,
        max(_FINEST_MM, size) if voxel_mm is None else voxel_mm,
    )  # fmt: skip


def mask_on_grid(mask: Any, static: SpatialImage, name: str) -> BoolArray:
    """Return a mask, given as array or image, on the canonical grid of the static image.

    Raises
    ------
    ScanFault
        If it stands on another grid.
    """
    import nibabel as nib

    image: Any = mask
    if not hasattr(mask, "affine"):
        image = nib.Nifti1Image(np.asarray(mask).astype(np.uint8), static.affine)
    canonical, reference = (nib.as_closest_canonical(item) for item in (image, static))
    if not on_same_grid(canonical, reference):
        ours, theirs = (" x ".join(map(str, item.shape)) for item in (image, static))
        rule = f"stands on another grid ({ours}) than the static image ({theirs}), or elsewhere in space"
        raise ScanFault(name, rule, "resample it to that image")
    inside: BoolArray = np.asarray(canonical.dataobj) > _HALF
    return inside


def _check_overlap(moving: Any, moving_affine: Any, static: Any, static_affine: Any) -> None:
    boxes = [_box(data, affine) for data, affine in ((moving, moving_affine), (static, static_affine))]
    low, high = (np.stack([box[end] for box in boxes]) for end in (0, 1))
    if (low.max(axis=0) > high.min(axis=0)).any():
        centres = [
            "(" + ", ".join(f"{value:.0f}" for value in (first + last) / 2) + ")" for first, last in boxes
        ]
        rule = f"does not overlap the static image: their middles lie at {centres[0]} and {centres[1]} mm"
        raise ScanFault("moving", rule, "check that both are brains, and their affines")


def _box(data: Any, affine: Any) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and highest corner in mm of the box about the voxels that are not 0."""
    places = np.nonzero(data)
    ends = [(axis.min(), axis.max()) for axis in places]
    unit = world_points((2, 2, 2), np.eye(4))
    corners = np.array([low for low, _ in ends]) + unit * [high - low for low, high in ends]
    world = corners @ affine[:3, :3].T + affine[:3, 3]
    return world.min(axis=0), world.max(axis=0)
