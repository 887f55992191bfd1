"""Least squares of intensities over the six numbers of a rigid map, by Gauss-Newton from coarse to fine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.registration.sampling import sample
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from neurotrial.extract.registration.pair import Volume

__all__ = ["check_enough", "clear_of", "refine"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_BLURS = (2.0, 1.0)
"""Gaussian smoothing in voxels of the moving image, coarse to fine."""
_STEPS = 30
_SMALLEST_STEP = 1e-6
"""Radians and mm."""
_LEAST_VOXELS = 200
_REACHED = 0.01
"""Share of a smoothed value that may come from hidden voxels."""
_MOST_POINTS = 100_000


def refine(moving: Volume, static: Volume, used: Any, start: FloatArray) -> FloatArray:
    """Refine a rigid map of the static image's points to the moving image's.

    Parameters
    ----------
    moving, static : (ndarray, ndarray)
        Values, shape (x, y, z), and affine.
    used : ndarray of bool
        Voxels of the static image that count; a regular subset of at most 100,000 of them is taken.
    start : ndarray, shape (4, 4)
        Rigid.

    Returns
    -------
    ndarray, shape (4, 4)

    Raises
    ------
    ScanFault
        If fewer than 200 voxels count.
    """
    from scipy.ndimage import gaussian_filter

    check_enough(used)
    voxels = np.flatnonzero(used)
    voxels = voxels[:: -(-voxels.size // _MOST_POINTS)]
    places = np.stack(np.unravel_index(voxels, used.shape), axis=1)
    points = places @ static[1][:3, :3].T + static[1][:3, 3]
    matrix = start
    mm = np.linalg.norm(moving[1][:3, :3], axis=0)
    own_mm = np.linalg.norm(static[1][:3, :3], axis=0)
    for blur in _BLURS:
        width = blur * max(mm.mean(), own_mm.mean())
        seen = gaussian_filter(static[0], width / own_mm).ravel()[voxels]
        matrix = _gauss_newton((gaussian_filter(moving[0], width / mm), moving[1]), points, seen, matrix)
    return matrix


def check_enough(used: Any) -> None:
    """Refuse a mask that leaves fewer than 200 voxels.

    Raises
    ------
    ScanFault
        With their number.
    """
    left = int(np.count_nonzero(used))
    if left < _LEAST_VOXELS:
        raise ScanFault("mask", f"leaves {left} voxels to align", "give a larger mask")


def clear_of(hidden: Any) -> Any:
    """Return the voxels that no hidden voxel reaches by smoothing."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.asarray(hidden, dtype=np.float32), max(_BLURS)) < _REACHED


def _gauss_newton(moving: Volume, points: FloatArray, seen: FloatArray, matrix: FloatArray) -> FloatArray:
    from scipy.spatial.transform import Rotation

    inverse = np.linalg.inv(moving[1])
    slopes = np.gradient(moving[0])
    centre = points.mean(axis=0)
    for _ in range(_STEPS):
        mapped = points @ matrix[:3, :3].T + matrix[:3, 3]
        indices = (mapped @ inverse[:3, :3].T + inverse[:3, 3]).T
        values = sample(moving[0], indices, 3)
        gradient = np.stack([sample(slope, indices, 1) for slope in slopes], axis=1) @ inverse[:3, :3]
        pivot = matrix[:3, :3] @ centre + matrix[:3, 3]
        inside = ((indices >= 0) & (indices <= np.array(moving[0].shape)[:, None] - 1)).all(axis=0)
        step = _step(values[inside], seen[inside], gradient[inside], (mapped - pivot)[inside])
        change = np.eye(4)
        change[:3, :3] = Rotation.from_rotvec(step[:3]).as_matrix()
        change[:3, 3] = step[3:] + pivot - change[:3, :3] @ pivot
        matrix = change @ matrix
        if np.abs(step).max() < _SMALLEST_STEP:
            break
    return matrix


def _step(values: FloatArray, seen: FloatArray, gradient: FloatArray, arms: FloatArray) -> FloatArray:
    """Return the rotation vector and shift that, with a gain and an offset, best explain the difference of intensities."""
    gain, offset = np.polyfit(values, seen, 1)
    columns = gain * np.column_stack([np.cross(arms, gradient), gradient])
    design = np.column_stack([columns, values, np.ones(len(values))])
    found: FloatArray = np.linalg.lstsq(design, seen - gain * values - offset, rcond=None)[0]
    return found[:6]
