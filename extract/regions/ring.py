"""The tissue around a lesion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["box_of", "perilesional_ring"]

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


def box_of(mask: BoolArray, margin: Sequence[int]) -> tuple[slice, ...]:
    """Return the smallest box around a mask that is not empty, wider by a margin and cut at the edge of the image.

    Parameters
    ----------
    mask : ndarray of bool
        With a voxel in it.
    margin : sequence of int
        Voxels on each side, for each axis.
    """
    slices = []
    for axis, extra in enumerate(margin):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        held = np.flatnonzero(mask.any(axis=others))
        slices.append(slice(max(held[0] - extra, 0), held[-1] + extra + 1))
    return tuple(slices)


def perilesional_ring(lesion: BoolArray, voxel_mm: Sequence[float], width_mm: float) -> BoolArray:
    """Return the voxels outside a lesion whose centre is near that of a lesioned voxel.

    Parameters
    ----------
    lesion : ndarray of bool, shape (x, y, z)
        The lesion; may be empty, then the ring is.
    voxel_mm : sequence of float
        Size of a voxel along each axis.
    width_mm : float
        Largest distance of a voxel of the ring.

    Returns
    -------
    ndarray of bool, shape (x, y, z)
        All of the image: other tissue and the outside of the brain are not left out.
    """
    from scipy.ndimage import distance_transform_edt

    ring = np.zeros(lesion.shape, dtype=bool)
    if lesion.any():
        # nothing beyond the margin is near enough: the transform of the box is that of the whole image
        box = box_of(lesion, [int(np.ceil(width_mm / size)) for size in voxel_mm])
        distance = distance_transform_edt(~lesion[box], sampling=tuple(voxel_mm))
        ring[box] = (distance > 0) & (distance <= width_mm)
    return ring
