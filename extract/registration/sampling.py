"""Reading an array between its voxels, and the places of voxels in mm."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["sample", "world_points"]

_HALF_VOXEL = 0.5
FloatArray = np.ndarray[Any, np.dtype[np.float64]]


def sample(data: Any, indices: Any, order: int) -> np.ndarray[Any, Any]:
    """Interpolate an array at voxel coordinates; 0 outside, where a voxel reaches half its edge beyond its centre.

    Parameters
    ----------
    data : array, shape (x, y, z)
    indices : array, shape (3, n)
        Voxel coordinates.
    order : {0, 1, 3}
        Nearest voxel, linear or cubic.

    Returns
    -------
    ndarray, shape (n,)
        Type of the data if nearest, else float64.
    """
    from scipy.ndimage import map_coordinates

    values = np.asarray(data)
    if values.dtype == bool:
        values = values.astype(np.uint8)
    kind = values.dtype if order == 0 else np.dtype(np.float64)
    last = np.array(values.shape)[:, None] - 1
    found: np.ndarray[Any, Any] = map_coordinates(
        values, np.clip(indices, 0, last), order=order, mode="nearest", output=kind
    )
    found[((indices < -_HALF_VOXEL) | (indices > last + _HALF_VOXEL)).any(axis=0)] = 0
    return found


def world_points(shape: tuple[int, ...], affine: Any) -> FloatArray:
    """Return the centre of every voxel in mm, shape (n, 3), the last axis fastest."""
    grid = np.indices(shape, dtype=float).reshape(3, -1)
    matrix = np.asarray(affine, dtype=float)
    points: FloatArray = grid.T @ matrix[:3, :3].T + matrix[:3, 3]
    return points
