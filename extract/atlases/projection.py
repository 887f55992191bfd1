"""Regions of an atlas on the grid of a scan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.registration.sampling import sample

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.atlases.atlas import Atlas, FloatArray
    from neurotrial.extract.atlases.registry import Region
    from neurotrial.extract.registration.transform import Transform

__all__ = ["project_regions"]


def project_regions(
    atlas: Atlas, transform: Transform, reference: SpatialImage, regions: Iterable[Region] | None = None
) -> dict[Region, FloatArray]:
    """Carry regions of an atlas to the grid of a scan, with linear interpolation of their weights.

    Parameters
    ----------
    atlas : Atlas
    transform : Transform
        Points of the scan (mm) to points of the atlas, as `register` with the template as moving image gives it.
    reference : SpatialImage
        Gives the grid.
    regions : iterable of (str, str), optional
        Region and hemisphere; by default all.

    Returns
    -------
    dict of (str, str) to ndarray of float32, shape (x, y, z)
        Weights 0 to 1; a voxel at the rim of a label has less than 1.

    Raises
    ------
    InputError
        If the atlas has no such region.
    """
    shape = tuple(reference.shape[:3])
    indices = transform.indices(atlas.image.affine, shape, reference.affine)
    wanted = atlas.regions if regions is None else tuple(regions)
    return {region: _carried(atlas.weights(*region), indices).reshape(shape) for region in wanted}


def _carried(weights: FloatArray, indices: Any) -> FloatArray:
    """Interpolate weights at voxel coordinates, reading only where the region lies."""
    ends = [_ends(weights.any(axis=other)) for other in ((1, 2), (0, 2), (0, 1))]
    near = np.logical_and.reduce(
        [(low <= axis) & (axis <= high) for axis, (low, high) in zip(indices, ends, strict=True)]
    )
    carried = np.zeros(indices.shape[1], dtype=np.float32)
    carried[near] = sample(weights, indices[:, near], 1)
    return carried


def _ends(there: Any) -> tuple[int, int]:
    """Return the first and last place that is true, and one more on either side."""
    places = np.flatnonzero(there)
    return int(places[0]) - 1, int(places[-1]) + 1
