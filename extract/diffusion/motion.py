"""Head motion of a diffusion scan: its parameters, displacement from volume to volume, and gradients that turn with the head."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "framewise_displacement",
    "image_directions",
    "motion_parameters",
    "on_axes",
    "rigid_rotations",
    "rotate_vectors",
]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

HEAD_RADIUS_MM = 50.0
"""Turns an angle into the way of a point on the surface of the head."""


def rigid_rotations(transforms: Any) -> FloatArray:
    """Return the rotation of each transform, without scaling and shear.

    Parameters
    ----------
    transforms : array, shape (volumes, 4, 4)
        Coordinates in the reference volume to those in each volume, in mm.

    Returns
    -------
    ndarray, shape (volumes, 3, 3)
        The rotation next to the linear part: U V' of its singular value decomposition.
    """
    left, _, right = np.linalg.svd(np.asarray(transforms, dtype="float64")[:, :3, :3])
    return np.asarray(left @ right)


def rotate_vectors(bvecs: Any, transforms: Any, affine: Any) -> FloatArray:
    """Turn gradient directions with the head: what the gradients were for the head as it lies in the reference volume.

    Parameters
    ----------
    bvecs : array, shape (volumes, 3)
        Directions in FSL's convention: along the axes of the voxels, the first reversed where the affine has a positive
        determinant.
    transforms : array, shape (volumes, 4, 4)
        Coordinates in the reference volume to those in each volume, in mm.
    affine : array, shape (4, 4)
        Voxels to mm, of the file that the directions belong to.

    Returns
    -------
    ndarray, shape (volumes, 3)
        In the same convention.

    References
    ----------
    Leemans A, Jones DK. Magn Reson Med 2009;61:1336-1349. https://doi.org/10.1002/mrm.21890
    """
    axes = _axes(affine)
    world = np.asarray(bvecs, dtype="float64") @ axes.T
    # the inverse of a rotation is its transpose
    turned = np.einsum("vij,vi->vj", rigid_rotations(transforms), world)
    return np.asarray(turned @ axes)


def on_axes(bvecs: Any, affine: Any, new_affine: Any) -> FloatArray:
    """Express gradient directions along the axes of the same image in another orientation.

    Parameters
    ----------
    bvecs : array, shape (volumes, 3)
        Directions in FSL's convention for the file.
    affine, new_affine : array, shape (4, 4)
        Voxels to mm of the file, and of the image as it was turned.

    Returns
    -------
    ndarray, shape (volumes, 3)
        In FSL's convention for the turned image.
    """
    return np.asarray(np.asarray(bvecs, dtype="float64") @ _axes(affine).T @ _axes(new_affine))


def image_directions(directions: Any, affine: Any) -> FloatArray:
    """Express directions in FSL's convention along the axes of the image itself.

    Parameters
    ----------
    directions : array, shape (..., 3)
        As a fit with gradients in FSL's convention gives them.
    affine : array, shape (4, 4)
        Voxels to mm.

    Returns
    -------
    ndarray, shape (..., 3)
        The first part reversed where the affine has a positive determinant.
    """
    found = np.array(directions, dtype="float64")
    if np.linalg.det(np.asarray(affine, dtype="float64")[:3, :3]) > 0:
        found[..., 0] *= -1
    return found


def _axes(affine: Any) -> FloatArray:
    """Return the directions of the voxel axes in world coordinates as columns, by FSL's convention."""
    linear = np.asarray(affine, dtype="float64")[:3, :3]
    left, _, right = np.linalg.svd(linear)
    axes = left @ right
    # FSL counts x from right to left where the affine has a positive determinant
    return np.asarray(axes * np.array([-1.0, 1.0, 1.0]) if np.linalg.det(linear) > 0 else axes)


def motion_parameters(transforms: Any, centre: Any) -> FloatArray:
    """Return shifts and turns of each volume.

    Parameters
    ----------
    transforms : array, shape (volumes, 4, 4)
        Coordinates in the reference volume to those in each volume, in mm.
    centre : array, shape (3,)
        Point, in mm, whose shift counts: the centre of the head, so that a turn of the head is no shift.

    Returns
    -------
    ndarray, shape (volumes, 6)
        Shift along x, y, z in mm; turn about x, y, z in rad, in this order about fixed axes.
    """
    from scipy.spatial.transform import Rotation

    transforms = np.asarray(transforms, dtype="float64")
    centre = np.asarray(centre, dtype="float64")
    shifts = transforms[:, :3, :3] @ centre + transforms[:, :3, 3] - centre
    turns = Rotation.from_matrix(rigid_rotations(transforms)).as_euler("xyz")
    return np.column_stack([shifts, turns])


def framewise_displacement(parameters: Any, radius_mm: float = HEAD_RADIUS_MM) -> FloatArray:
    """Return the sum of the absolute changes of the six motion parameters, angles as way on the surface of the head.

    Parameters
    ----------
    parameters : array, shape (volumes, 6)
        Shifts in mm, then turns in rad.
    radius_mm : float
        Radius of the head.

    Returns
    -------
    ndarray, shape (volumes,)
        mm; NaN in the first volume, which has none before it.

    References
    ----------
    Power JD et al. NeuroImage 2012;59:2142-2154. https://doi.org/10.1016/j.neuroimage.2011.10.018

    Examples
    --------
    >>> framewise_displacement([[0, 0, 0, 0, 0, 0], [0.1, 0, 0, 0.01, 0, 0]])
    array([nan, 0.6])
    """
    ways = np.asarray(parameters, dtype="float64") * np.repeat([1.0, radius_mm], 3)
    return np.concatenate([[np.nan], np.abs(np.diff(ways, axis=0)).sum(axis=1)])
