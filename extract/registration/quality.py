"""How well two images fit: overlap of tissue, correlation, and whether the transform tears or folds space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.registration.sampling import world_points

if TYPE_CHECKING:
    from neurotrial.extract.registration.transform import Transform

__all__ = ["dice", "jacobian_determinant", "registration_quality", "tissue_mask"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


def dice(first: Any, second: Any) -> float:
    """Return the Dice overlap of two masks, 0 to 1; NaN if both are empty.

    Examples
    --------
    >>> dice([True, True, True, False], [True, False, False, False])
    0.5
    """
    both, sizes = np.logical_and(first, second).sum(), np.sum(first) + np.sum(second)
    return float(2 * both / sizes) if sizes else float("nan")


def tissue_mask(values: Any) -> BoolArray:
    """Return the voxels above Otsu's threshold of the values that are not 0.

    References
    ----------
    Otsu N. IEEE Trans Syst Man Cybern 1979;9:62-66. https://doi.org/10.1109/TSMC.1979.4310076
    """
    from dipy.segment.threshold import otsu

    data = np.asarray(values, dtype=float)
    inside = data[data != 0]
    if not inside.size or np.ptp(inside) == 0:
        return np.asarray(data != 0)
    return np.asarray(data > otsu(inside))


def jacobian_determinant(transform: Transform, shape: tuple[int, ...], affine: Any) -> FloatArray:
    """Return by how much a transform changes volume at each voxel of a grid, by central differences.

    Parameters
    ----------
    transform : Transform
    shape : tuple of int
        Of the grid.
    affine : array, shape (4, 4)
        Of the grid.

    Returns
    -------
    ndarray, shape (x, y, z)
        1 where volume stays, 0 or less where space folds.
    """
    mapped = transform.map_points(world_points(shape, affine)).reshape(*shape, 3)
    columns = np.stack([np.gradient(mapped, axis=axis) for axis in range(3)], axis=-1)
    determinant: FloatArray = np.linalg.det(columns) / np.linalg.det(np.asarray(affine)[:3, :3])
    return determinant


def registration_quality(
    static: Any, warped: Any, lesion: Any | None, transform: Transform, affine: Any
) -> dict[str, float]:
    """Measure a registration on a grid of the static image.

    Parameters
    ----------
    static, warped : array, shape (x, y, z)
        The static image, and the moving image resampled on it.
    lesion : array of bool or None
        Voxels that do not count.
    transform : Transform
    affine : array, shape (4, 4)
        Of the grid.

    Returns
    -------
    dict of str to float
        ``dice`` of both tissue masks and ``correlation`` within their union, outside the lesion; ``jacobian_min``,
        ``jacobian_max`` and ``folded`` (share of voxels with a determinant of 0 or less) within the static tissue, the lesion
        included.
    """
    outside = np.ones(static.shape, dtype=bool) if lesion is None else ~lesion
    own, other = tissue_mask(static), tissue_mask(warped)
    where = (own | other) & outside
    determinant = jacobian_determinant(transform, static.shape, affine)[
        own if lesion is None else own | lesion
    ]
    return {
        "dice": dice(own & outside, other & outside),
        "correlation": _correlation(static[where], warped[where]),
        "jacobian_min": float(determinant.min()),
        "jacobian_max": float(determinant.max()),
        "folded": float((determinant <= 0).mean()),
    }


def _correlation(first: Any, second: Any) -> float:
    if first.size < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:  # noqa: PLR2004 - no line through one point
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])
