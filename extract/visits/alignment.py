"""How the scans of one participant lie to each other: by their headers, or registered rigidly to a space half way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.registration.rigid import align_rigid
from neurotrial.extract.registration.transform import Transform, affine_transform
from neurotrial.extract.visits.shared_masks import carried

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.visits.scan_maps import BoolArray, ScanMaps
    from neurotrial.imaging_plan import VisitPlan

__all__ = ["Alignment", "align_visits"]


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Where the scans of one participant lie in a space in their middle.

    Attributes
    ----------
    to_scan : mapping of str to ndarray, shape (4, 4)
        Points of the middle (mm) to points of each scan, by its name.
    """

    to_scan: Mapping[str, Any]

    def between(self, target: ScanMaps, source: ScanMaps) -> Any:
        """Return the matrix that leads from points of one scan to points of another, shape (4, 4)."""
        return self.to_scan[source.name] @ np.linalg.inv(self.to_scan[target.name])

    def carry(self, mask: BoolArray, source: ScanMaps, target: ScanMaps) -> BoolArray:
        """Bring a mask from the grid of one scan to that of another, nearest voxel."""
        to_source = np.linalg.inv(source.affine) @ self.between(target, source) @ target.affine
        return carried(mask, to_source, target.brain.shape)

    def from_scan(self, scan: ScanMaps) -> Transform:
        """Return the transform of points of a scan to points of the middle."""
        return affine_transform(np.linalg.inv(self.to_scan[scan.name]))

    def to_middle(self, mask: BoolArray, scan: ScanMaps) -> BoolArray:
        """Bring a mask of a scan to the grid of `mean_image`, for which the scan must be the first."""
        matrix = np.linalg.inv(scan.affine) @ self.to_scan[scan.name] @ scan.affine
        return carried(mask, matrix, mask.shape)

    def mean_image(self, scans: Sequence[ScanMaps]) -> SpatialImage:
        """Return the mean fractional anisotropy of all scans in the middle, on a grid like that of the first."""
        import nibabel as nib

        first = scans[0].image
        moved = [affine_transform(self.to_scan[scan.name]).apply(scan.image, first) for scan in scans]
        return nib.Nifti1Image(np.mean(moved, axis=0).astype(np.float32), first.affine)


def align_visits(scans: Sequence[ScanMaps], plan: VisitPlan) -> Alignment:
    """Find how the scans of one participant lie to each other.

    Parameters
    ----------
    scans : sequence of ScanMaps
        At least one.
    plan : VisitPlan
        By headers, or by rigid registration of fractional anisotropy.

    Returns
    -------
    Alignment
        With registration, the middle is the mean of the rigid maps in their logarithms, so that no visit is preferred [1]_;
        with one scan, or by headers, it is the space of the scans.

    Raises
    ------
    ScanFault
        If two scans cannot be registered.

    References
    ----------
    .. [1] Reuter M, Rosas HD, Fischl B (2010). Highly accurate inverse consistent registration: a robust approach.
       NeuroImage 53:1181-1196. https://doi.org/10.1016/j.neuroimage.2010.07.020
    """
    first, *others = scans
    maps = {first.name: np.eye(4)}
    for scan in others:
        maps[scan.name] = (
            align_rigid(scan.image, first.image).matrix if plan.alignment == "rigid" else np.eye(4)
        )
    back = np.linalg.inv(_mean_rigid(list(maps.values())))
    return Alignment({name: matrix @ back for name, matrix in maps.items()})


def _mean_rigid(matrices: Sequence[Any]) -> Any:
    """Return the rigid map whose logarithm is the mean of those of some rigid maps."""
    from scipy.linalg import expm, logm

    return expm(np.mean([np.real(logm(matrix)) for matrix in matrices], axis=0))
