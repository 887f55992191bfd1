"""The two stages of a registration, both dipy's: an affine map on coarse grids, and a symmetric diffeomorphism."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.registration.correlation import correlation_metric
from neurotrial.extract.registration.transform import Field

if TYPE_CHECKING:
    from neurotrial.extract.registration.work_grid import FloatArray, WorkGrid

__all__ = ["AFFINE_ITERATIONS", "SYN_ITERATIONS", "affine_stage", "deformable_stage"]

AFFINE_ITERATIONS = (200, 50)
"""On 8 and 4 mm."""
START_ITERATIONS = (40, 5)
"""For a rigid map that is refined by least squares afterwards."""
SYN_ITERATIONS = (10, 10, 5)
"""More of them cost two to four times as much, and overlap of tracts falls under noise."""
_BINS = 32
_INVERSIONS = 20
_WINDOW_VOXELS = 9
"""Of the local cross-correlation, radius 4."""


def affine_stage(
    moving: Any, moving_grid: WorkGrid, static: Any, static_grid: WorkGrid, *, used: Any, rigid: bool = False
) -> FloatArray:
    """Find the affine map of the reference's points to the moving image's by mutual information.

    Parameters
    ----------
    moving, static : array
        On their grids.
    moving_grid, static_grid : WorkGrid
    used : array of bool or None
        Voxels of the static image that count; all if None.
    rigid : bool
        Stop after a rough rigid map.

    Returns
    -------
    ndarray, shape (4, 4)

    Notes
    -----
    Coordinates are taken about the middle of each grid, so that rotations do not depend on where the scanner's origin lies.
    """
    from dipy.align.imaffine import AffineRegistration, MutualInformationMetric, transform_centers_of_mass
    from dipy.align.transforms import AffineTransform3D, RigidTransform3D, TranslationTransform3D

    to_moving, to_static = _shift(moving_grid.centre), _shift(-static_grid.centre)
    grids = {
        "static_grid2world": to_static @ static_grid.affine,
        "moving_grid2world": np.linalg.inv(to_moving) @ moving_grid.affine,
    }
    mask = None if used is None else np.asarray(used, dtype=np.int32)
    found: Any = transform_centers_of_mass(
        static, grids["static_grid2world"], moving, grids["moving_grid2world"]
    )
    models = (TranslationTransform3D(), RigidTransform3D(), AffineTransform3D())
    for model in models[:2] if rigid else models:
        search = AffineRegistration(
            metric=MutualInformationMetric(nbins=_BINS, sampling_proportion=None),
            level_iters=list(START_ITERATIONS if rigid else AFFINE_ITERATIONS), sigmas=[1.0, 0.0], factors=[2, 1], verbosity=0,
        )  # fmt: skip
        found = search.optimize(
            static, moving, model, None, **grids, starting_affine=found.affine, static_mask=mask
        )
    matrix: FloatArray = to_moving @ np.asarray(found.affine, dtype=float) @ to_static
    return matrix


def deformable_stage(
    moved: Any,
    static: Any,
    grid: WorkGrid,
    *,
    iterations: Sequence[int] = SYN_ITERATIONS,
    sigma_diff: float,
) -> Field:
    """Find the displacement that carries the static image's points to an affinely aligned image, by cross-correlation.

    Parameters
    ----------
    moved, static : array, shape of the grid
    grid : WorkGrid
    iterations : sequence of int
        From the coarsest level to the finest.
    sigma_diff : float
        Smoothing of the updates, in voxels.

    References
    ----------
    Avants BB et al. Med Image Anal 2008;12:26-41. https://doi.org/10.1016/j.media.2007.06.004
    """
    from dipy.align.imwarp import SymmetricDiffeomorphicRegistration

    levels = _levels(iterations, grid)
    search = SymmetricDiffeomorphicRegistration(
        correlation_metric(sigma_diff), level_iters=levels, inv_iter=_INVERSIONS
    )
    search.verbosity = 0
    mapping = search.optimize(static, moved, static_grid2world=grid.affine, moving_grid2world=grid.affine)
    return Field(np.asarray(mapping.get_forward_field(), dtype=np.float32), grid.affine)


def _levels(iterations: Sequence[int], grid: WorkGrid) -> list[int]:
    """Return the iterations without the coarse levels on which the grid is smaller than the correlation's window."""
    possible = sum(min(grid.shape) // 2**level > _WINDOW_VOXELS for level in range(len(iterations)))
    return list(iterations)[-possible:]


def _shift(offset: Any) -> FloatArray:
    matrix = np.eye(4)
    matrix[:3, 3] = offset
    return matrix
