"""Scalars along a tract, from its mask: weighted means on level sets of the position along it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.extract.regions.tract_coordinate import tract_coordinate
from neurotrial.extract.sides import HEMISPHERES, hemisphere_side

if TYPE_CHECKING:
    from neurotrial.extract.regions.tract_coordinate import TractCoordinate

__all__ = ["node_span", "tract_profile", "tract_profiles"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

METHOD = "level_sets"
_ROUNDING = 1e-9
"""A voxel that shares less than this with a node does not belong to it."""
_SPAN = (0.05, 0.95)


def tract_profile(
    weights: Any,
    scalars: Mapping[str, Any],
    affine: Any,
    *,
    nodes: int = 100,
    lesion: Any = None,
    brain: Any = None,
) -> pd.DataFrame:
    """Measure scalars along a tract.

    Parameters
    ----------
    weights : ndarray, shape (x, y, z)
        Weight of each voxel, 0 to 1, or a mask, of one hemisphere; voxels of at least 0.5 enter, with their weight.
    scalars : mapping of str to ndarray, shape (x, y, z)
        Maps; NaN where not measured.
    affine : array, shape (4, 4)
        Voxel indices to mm; z grows upwards.
    nodes : int
        Number of nodes, at least 2.
    lesion, brain : ndarray of bool, shape (x, y, z), or None
        Lesion and brain mask.

    Returns
    -------
    DataFrame
        Columns feature, method, lesion_policy (include, and exclude where a lesion is given), node (0 = cortex), value,
        n (voxels that contribute), lesion_fraction (NaN where no lesion is given). A node without a voxel has the value
        NaN. Each voxel contributes to the two nodes next to it, or, where nodes lie closer than voxels, to those within
        the size of a voxel.

    Raises
    ------
    InputError
        If there are fewer than two nodes, or an array has another shape than the weights.
    """
    shape = np.shape(weights)
    arrays = {**scalars, "lesion": lesion, "brain": brain}
    wrong = [name for name, array in arrays.items() if array is not None and np.shape(array) != shape]
    if wrong:
        raise refuse(
            "tract_profile", f"arrays have the shape of the weights, {shape}", "resample them", wrong
        )
    if nodes < 2:  # noqa: PLR2004 - two ends
        raise refuse("tract_profile: nodes", f"there are at least two nodes, not {nodes}", "100 is usual")
    along = tract_coordinate(weights, affine)
    shares = _shares(along, affine, nodes) * np.asarray(weights)[along.index]
    lesioned = np.zeros(along.position.size, dtype=bool) if lesion is None else lesion[along.index]
    inside = np.ones(along.position.size, dtype=bool) if brain is None else brain[along.index]
    fraction = np.full(nodes, np.nan)
    if lesion is not None:
        # rounding must not make more than all of it lesioned
        fraction = np.minimum(_over(shares @ lesioned, shares.sum(axis=1)), 1)
    policies = {"include": inside} | ({} if lesion is None else {"exclude": inside & ~lesioned})
    parts = [
        _nodes(shares, values[along.index], kept).assign(
            feature=name, lesion_policy=policy, lesion_fraction=fraction
        )
        for name, values in scalars.items()
        for policy, kept in policies.items()
    ]
    columns = ["feature", "method", "lesion_policy", "node", "value", "n", "lesion_fraction"]
    return pd.concat(parts, ignore_index=True).assign(method=METHOD)[columns]


def tract_profiles(
    regions: Mapping[tuple[str, str], Any],
    scalars: Mapping[str, Any],
    affine: Any,
    *,
    lesion_side: str | None,
    tract: str = "cst",
    nodes: int = 100,
    lesion: Any = None,
    brain: Any = None,
) -> pd.DataFrame:
    """Measure scalars along the left and the right part of a tract.

    Parameters
    ----------
    regions : mapping of (str, str) to ndarray, shape (x, y, z)
        By region and hemisphere.
    scalars, affine, nodes, lesion, brain
        As in `tract_profile`.
    lesion_side : str or None
        Side of the lesion.
    tract : str
        Which of the regions.

    Returns
    -------
    DataFrame
        Rows of the contract `profiles` without identity; those of a part that is not among the regions have no value.

    Raises
    ------
    InputError
        As `tract_profile`.
    """
    empty = np.zeros(np.shape(next(iter(scalars.values()))))
    parts = []
    for hemisphere in HEMISPHERES:
        weights = regions.get((tract, hemisphere), empty)
        own = tract_profile(weights, scalars, affine, nodes=nodes, lesion=lesion, brain=brain)
        side = hemisphere_side(hemisphere, lesion_side)
        parts.append(own.assign(tract=tract, hemisphere=hemisphere, side=side))
    return pd.concat(parts, ignore_index=True)


def node_span(weights: Any, part: Any, affine: Any, *, nodes: int = 100) -> tuple[int, int] | None:
    """Return the nodes of a tract that pass through another region, such as the internal capsule.

    Parameters
    ----------
    weights : ndarray, shape (x, y, z)
        The tract.
    part : ndarray of bool, shape (x, y, z)
        The other region.
    affine : array, shape (4, 4)
        Voxel indices to mm.
    nodes : int
        Number of nodes.

    Returns
    -------
    tuple of int or None
        First and last node between which 90 % of the common voxels lie; None where there is none.
    """
    along = tract_coordinate(weights, affine)
    common = along.position[part[along.index]]
    if not common.size:
        return None
    first, last = np.quantile(common, _SPAN) * (nodes - 1)
    return round(first), round(last)


def _shares(along: TractCoordinate, affine: Any, nodes: int) -> FloatArray:
    """Return how much each voxel contributes to each node, shape (nodes, n): a hat as wide as a voxel, or two nodes."""
    spacing = along.length_mm / (nodes - 1)
    size = float(np.linalg.norm(np.asarray(affine)[:3, :3], axis=0).max())
    reach = max(1.0, size / spacing) if spacing else 1.0
    away = np.abs(along.position * (nodes - 1) - np.arange(nodes)[:, None]) / reach
    hat: FloatArray = np.where(away < 1 - _ROUNDING, 1 - away, 0)
    return hat


def _nodes(shares: FloatArray, values: FloatArray, kept: Any) -> pd.DataFrame:
    used = kept & np.isfinite(values)
    own = shares[:, used]
    value = _over(own @ values[used].astype("float64"), own.sum(axis=1))
    return pd.DataFrame({"node": range(len(shares)), "value": value, "n": (own > 0).sum(axis=1)})


def _over(sums: FloatArray, weights: FloatArray) -> FloatArray:
    means: FloatArray = np.divide(sums, weights, out=np.full(len(weights), np.nan), where=weights > 0)
    return means
