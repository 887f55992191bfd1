"""Two visits of one person: a rigid map that treats both alike, and the place half way between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.registration.pair import Pair, mask_on_grid, pair_of
from neurotrial.extract.registration.rigid_fit import check_enough, clear_of, refine
from neurotrial.extract.registration.sampling import sample
from neurotrial.extract.registration.stages import affine_stage
from neurotrial.extract.registration.transform import Transform, affine_transform

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

__all__ = ["Halfway", "align_rigid", "midpoint"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_RIGID = 1e-5
"""How far a matrix times its transpose may be from the identity."""


@dataclass(frozen=True, slots=True, eq=False)
class Halfway:
    """Transforms from the points of a space half way between two visits.

    Attributes
    ----------
    moving : Transform
        Resamples the moving visit on a grid half way.
    static : Transform
        Resamples the static visit there.
    """

    moving: Transform
    static: Transform


def align_rigid(moving: SpatialImage, static: SpatialImage, *, mask: Any | None = None) -> Transform:
    """Find the rigid map between two images of one person and one contrast.

    Parameters
    ----------
    moving, static : SpatialImage
        Shape (x, y, z), in any orientation, each on its own grid; e.g. FA at two visits.
    mask : array of bool or SpatialImage, optional
        Voxels of the static image that count, e.g. the brain without the lesion; by default all that are not 0. Those within
        about three voxels of others do not count either, because smoothing carries the others' values there.

    Returns
    -------
    Transform
        Points of the static image to points of the moving image. Exchanging the images gives the inverse.

    Raises
    ------
    ScanFault
        If an image is empty or no volume, the two do not overlap, or the mask stands on another grid or is nearly empty.

    Notes
    -----
    Mutual information on grids of 4 mm gives the start; least squares of the intensities, with a free gain and offset, the end.
    The result is the mean of the map fitted in either direction, so that neither visit is preferred.

    References
    ----------
    Reuter M, Rosas HD, Fischl B. NeuroImage 2010;53:1181-1196. https://doi.org/10.1016/j.neuroimage.2010.07.020
    """
    pair = pair_of(moving, static)
    used = pair.static != 0
    if mask is not None:
        used &= clear_of(~mask_on_grid(mask, static, "mask"))
    check_enough(used)
    forward = refine(pair.moving_volume, pair.static_volume, used, _start(pair))
    back = affine_transform(np.linalg.inv(forward))
    indices = back.indices(pair.static_affine, pair.moving.shape, pair.moving_affine)
    carried = sample(used, indices, 0).reshape(pair.moving.shape).astype(bool) & (pair.moving != 0)
    backward = refine(pair.static_volume, pair.moving_volume, carried, back.matrix)
    apart = np.linalg.inv(forward) @ np.linalg.inv(backward)
    return affine_transform(forward @ half_rigid(apart))


def midpoint(transform: Transform) -> Halfway:
    """Return the transforms to the space half way between two visits, so that both are interpolated alike.

    Parameters
    ----------
    transform : Transform
        Rigid, points of the static to points of the moving visit, as `align_rigid` gives it.

    Returns
    -------
    Halfway
        ``moving`` is the square root of the transform, ``static`` the inverse of that.

    Raises
    ------
    InputError
        If the transform is not rigid.
    """
    half = affine_transform(half_rigid(transform.matrix))
    return Halfway(moving=half, static=half.inverse())


def half_rigid(matrix: Any) -> FloatArray:
    """Return the rigid map that gives a rigid map when it is made twice.

    Raises
    ------
    InputError
        If the matrix, shape (4, 4), is not rigid.
    """
    from scipy.spatial.transform import Rotation

    turn = np.asarray(matrix)[:3, :3]
    if not np.allclose(turn @ turn.T, np.eye(3), atol=_RIGID) or np.linalg.det(turn) < 0:
        raise refuse("transform", "is not rigid: it scales, shears or mirrors", "use the one of align_rigid")
    half = np.eye(4)
    half[:3, :3] = Rotation.from_rotvec(Rotation.from_matrix(turn).as_rotvec() / 2).as_matrix()
    half[:3, 3] = np.linalg.solve(half[:3, :3] + np.eye(3), np.asarray(matrix)[:3, 3])
    return half


def _start(pair: Pair) -> FloatArray:
    (moving, moving_grid), (static, static_grid) = pair.coarse()
    return affine_stage(moving, moving_grid, static, static_grid, used=None, rigid=True)
