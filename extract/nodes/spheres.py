"""Voxels of nodes that are spheres, on the grid of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NodeVoxels", "node_voxels", "sphere_voxels"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]

_SLACK_MM = 1e-6
"""A voxel whose centre lies on the surface belongs to the sphere, whatever rounding says."""


@dataclass(frozen=True, slots=True, eq=False)
class NodeVoxels:
    """Voxels of nodes in a scan.

    Attributes
    ----------
    voxels : tuple of ndarray
        Of each node the voxels that are averaged: flat indices of the grid in C order. Nodes may share voxels.
    coverage : ndarray, shape (nodes,)
        Share of the node's voxels inside the field of view and the brain mask; 0 for a node without a voxel.
    lesion_fraction : ndarray, shape (nodes,)
        Share of the covered voxels in the lesion; NaN where none is covered, or the lesion is not known.
    """

    voxels: tuple[IntArray, ...]
    coverage: FloatArray
    lesion_fraction: FloatArray

    @property
    def n_voxels(self) -> IntArray:
        """Voxels that are averaged, shape (nodes,)."""
        return np.array([len(own) for own in self.voxels], dtype=np.int64)

    def mask(self, place: int, shape: tuple[int, ...]) -> BoolArray:
        """Return the voxels of one node as a mask of the grid."""
        found = np.zeros(int(np.prod(shape)), dtype=bool)
        found[self.voxels[place]] = True
        return found.reshape(shape)


def sphere_voxels(
    nodes: pd.DataFrame,
    shape: Sequence[int],
    affine: Any,
    *,
    brain: BoolArray | None = None,
    lesion: BoolArray | None = None,
    exclude_lesion: bool = False,
    radius_mm: float | None = None,
) -> NodeVoxels:
    """Find the voxels whose centres lie in the sphere of each node.

    Parameters
    ----------
    nodes : DataFrame
        Columns x, y, z (mm, in the space of the scan) and radius_mm.
    shape, affine : sequence of int, ndarray of shape (4, 4)
        Grid of the scan.
    brain, lesion : ndarray of bool, shape (x, y, z), optional
        Masks on that grid.
    exclude_lesion : bool
        Whether lesioned voxels are left out of the means; coverage and lesion fraction stay those of the whole node.
    radius_mm : float, optional
        One radius for all nodes, in place of their own.

    Returns
    -------
    NodeVoxels
        What lies outside the field of view counts as not covered. A sphere that holds no voxel centre has no voxel, never
        the nearest one.
    """
    affine = np.asarray(affine, dtype="float64")
    centres = nodes[["x", "y", "z"]].to_numpy(dtype="float64")
    radii = nodes["radius_mm"].to_numpy(dtype="float64") if radius_mm is None else [radius_mm] * len(nodes)
    found = [_in_sphere(*item, tuple(shape), affine) for item in zip(centres, radii, strict=True)]
    return node_voxels(
        [voxels for voxels, _ in found], [float(count) for _, count in found],
        brain=brain, lesion=lesion, exclude_lesion=exclude_lesion,
    )  # fmt: skip


def node_voxels(
    inside: Sequence[IntArray],
    wanted: Sequence[float],
    *,
    brain: BoolArray | None = None,
    lesion: BoolArray | None = None,
    exclude_lesion: bool = False,
) -> NodeVoxels:
    """Judge the voxels of nodes by the masks of a scan.

    Parameters
    ----------
    inside : sequence of ndarray
        Of each node the voxels in the field of view: flat indices in C order.
    wanted : sequence of float
        Voxels that each node has, in the field of view or not.
    brain, lesion, exclude_lesion
        As for `sphere_voxels`.

    Returns
    -------
    NodeVoxels
    """
    covered = [own if brain is None else own[brain.ravel()[own]] for own in inside]
    coverage = [min(1.0, len(own) / n) if n else 0.0 for own, n in zip(covered, wanted, strict=True)]
    if lesion is None:
        return NodeVoxels(tuple(covered), np.array(coverage), np.full(len(covered), np.nan))
    lesioned = [lesion.ravel()[own] for own in covered]
    fraction = [float(own.mean()) if own.size else np.nan for own in lesioned]
    kept = [own[~hit] for own, hit in zip(covered, lesioned, strict=True)] if exclude_lesion else covered
    return NodeVoxels(tuple(kept), np.array(coverage), np.array(fraction))


def _in_sphere(
    centre: FloatArray, radius: float, shape: tuple[int, ...], affine: FloatArray
) -> tuple[IntArray, int]:
    """Return the voxels of a sphere in the field of view, and how many it has on the endless grid."""
    inverse = np.linalg.inv(affine)
    middle = inverse[:3, :3] @ centre + inverse[:3, 3]
    reach = radius * np.linalg.norm(inverse[:3, :3], axis=1)
    axes = [np.arange(np.ceil(m - r), np.floor(m + r) + 1) for m, r in zip(middle, reach, strict=True)]
    box = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    away = np.linalg.norm((box - middle) @ affine[:3, :3].T, axis=1)
    own = box[away <= radius + _SLACK_MM].astype(np.int64)
    seen = own[((own >= 0) & (own < shape)).all(axis=1)]
    return np.ravel_multi_index(tuple(seen.T), shape), len(own)
