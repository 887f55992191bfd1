"""Spheres of template coordinates in a scan that stands in the participant's own space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.nodes.spheres import node_voxels

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.nodes.spheres import BoolArray, FloatArray, IntArray, NodeVoxels
    from neurotrial.extract.registration.transform import Transform

__all__ = ["native_sphere_voxels"]

_STRIDE = 4
"""Voxels between the points at which a centre is looked for first."""
_STRETCH = 1.5
"""How much larger than in the template a sphere may be in a brain."""
_SLACK_MM = 1e-6


def native_sphere_voxels(
    nodes: pd.DataFrame,
    shape: Sequence[int],
    affine: Any,
    transform: Transform,
    *,
    brain: BoolArray | None = None,
    lesion: BoolArray | None = None,
    exclude_lesion: bool = False,
    radius_mm: float | None = None,
) -> NodeVoxels:
    """Find the voxels whose centres, brought to the template, lie in the sphere of each node.

    Parameters
    ----------
    nodes : DataFrame
        Columns x, y, z (mm in the template) and radius_mm, which is measured in the template too.
    shape, affine : sequence of int, ndarray of shape (4, 4)
        Grid of the scan.
    transform : Transform
        From points of the scan to points of the template: that with which images of the template are resampled to the scan.
    brain, lesion, exclude_lesion, radius_mm
        As for `neurotrial.extract.nodes.spheres.sphere_voxels`.

    Returns
    -------
    NodeVoxels
    """
    size = tuple(shape)
    affine = np.asarray(affine, dtype="float64")
    radii = (
        nodes["radius_mm"].to_numpy(dtype="float64") if radius_mm is None else np.full(len(nodes), radius_mm)
    )
    centres = nodes[["x", "y", "z"]].to_numpy(dtype="float64")
    coarse = _grid([np.arange(0, n + _STRIDE, _STRIDE) for n in size])
    brought = transform.map_points(_world(coarse, affine))
    found = [
        _in_sphere(centre, radius, coarse[np.linalg.norm(brought - centre, axis=1).argmin()], size, affine, transform)
        for centre, radius in zip(centres, radii, strict=True)
    ]  # fmt: skip
    return node_voxels(
        [own for own, _ in found], [wanted for _, wanted in found],
        brain=brain, lesion=lesion, exclude_lesion=exclude_lesion,
    )  # fmt: skip


def _in_sphere(
    centre: FloatArray, radius: float, near: IntArray, size: tuple[int, ...], affine: FloatArray,
    transform: Transform,
) -> tuple[IntArray, float]:  # fmt: skip
    """Return the voxels of a sphere in the field of view, and how many it has on the endless grid."""
    voxel_mm = np.linalg.norm(affine[:3, :3], axis=0)
    reach = np.ceil(_STRETCH * radius / voxel_mm + _STRIDE).astype(np.int64)
    box = _grid([np.arange(place - r, place + r + 1) for place, r in zip(near, reach, strict=True)])
    away = np.linalg.norm(transform.map_points(_world(box, affine)) - centre, axis=1)
    own = box[away <= radius + _SLACK_MM]
    seen = own[((own >= 0) & (own < size)).all(axis=1)]
    return np.ravel_multi_index(tuple(seen.T), size), float(len(own))


def _grid(axes: Sequence[IntArray]) -> IntArray:
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


def _world(indices: IntArray, affine: FloatArray) -> FloatArray:
    return np.asarray(indices @ affine[:3, :3].T + affine[:3, 3])
