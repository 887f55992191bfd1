"""Scalars along a bundle of streamlines, node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neurotrial.extract.regions.bundles import core_weights, one_sided, resampled
from neurotrial.extract.sides import HEMISPHERES, hemisphere_side

__all__ = ["FEWEST", "Profile", "bundle_profile", "streamline_profile"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

FEWEST = 5
"""Streamlines from which a bundle has values."""

_KNOWN = 0.5
"""Share of an interpolated value that must come from voxels with a value."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Scalars along a bundle.

    Attributes
    ----------
    means : mapping of str to ndarray, shape (nodes,)
        NaN where no streamline has a value.
    coverage : mapping of str to float
        Share of the points of all streamlines that have a value.
    lesion_fraction : ndarray, shape (nodes,)
        Share of the streamlines in the lesion, weighted; NaN where no lesion is given.
    n : int
        Streamlines.
    """

    means: Mapping[str, FloatArray]
    coverage: Mapping[str, float]
    lesion_fraction: FloatArray
    n: int


def streamline_profile(
    streamlines: Mapping[str, Sequence[FloatArray]],
    scalars: Mapping[str, Any],
    affine: Any,
    *,
    lesion_side: str | None,
    lesion: Any = None,
    tract: str = "cst",
    method: str = "streamlines",
    nodes: int = 100,
    fewest: int = FEWEST,
) -> pd.DataFrame:
    """Measure scalars along the streamlines of a tract, node by node.

    Parameters
    ----------
    streamlines, scalars, affine, lesion_side, lesion, tract, method, nodes, fewest
        As in `neurotrial.extract.regions.streamline_features.streamline_features`.

    Returns
    -------
    DataFrame
        Rows of the contract `profiles` without identity; node 0 is the upper end. ``n`` counts streamlines; values are NaN
        where they are too few.

    Raises
    ------
    ScanFault
        If more than half of the streamlines lie in the other hemisphere.
    """
    parts = []
    for hemisphere in HEMISPHERES:
        where = f"the streamlines of {tract} {hemisphere}"
        bundle = one_sided(streamlines.get(hemisphere, ()), hemisphere, where)
        profile = bundle_profile(bundle.streamlines, scalars, affine, nodes, lesion)
        for name, values in profile.means.items():
            own = {
                "tract": tract, "hemisphere": hemisphere, "side": hemisphere_side(hemisphere, lesion_side),
                "feature": name, "method": method, "lesion_policy": "include", "node": range(nodes),
                "value": values if profile.n >= fewest else np.nan, "n": profile.n,
                "lesion_fraction": profile.lesion_fraction,
            }  # fmt: skip
            parts.append(pd.DataFrame(own))
    return pd.concat(parts, ignore_index=True)


def bundle_profile(
    streamlines: Sequence[FloatArray], scalars: Mapping[str, Any], affine: Any, nodes: int, lesion: Any
) -> Profile:
    """Average scalars over the streamlines of a bundle, weighted by their nearness to its core.

    Parameters
    ----------
    streamlines : sequence of ndarray, shape (n_points, 3)
        Points in mm, of one hemisphere.
    scalars : mapping of str to ndarray, shape (x, y, z)
        Maps; NaN where not measured.
    affine : array, shape (4, 4)
        Voxel indices of the maps to mm.
    nodes : int
        Points along the bundle.
    lesion : ndarray of bool, shape (x, y, z), or None
        Lesion mask.
    """
    if not streamlines:
        lost = np.full(nodes, np.nan)
        return Profile(dict.fromkeys(scalars, lost), dict.fromkeys(scalars, np.nan), lost, 0)
    points = resampled(streamlines, nodes)
    weights = core_weights(points)
    means, coverage = {}, {}
    for name, data in scalars.items():
        sampled = _sampled(data, points, affine)
        known = np.isfinite(sampled)
        sums, shares = (weights * np.where(known, sampled, 0)).sum(axis=0), (weights * known).sum(axis=0)
        means[name] = np.divide(sums, shares, out=np.full(nodes, np.nan), where=shares > 0)
        coverage[name] = float(known.mean())
    hurt = np.full(nodes, np.nan)
    if lesion is not None:
        inside = np.nan_to_num(_sampled(lesion.astype("float64"), points, affine)) >= _KNOWN
        hurt = (weights * inside).sum(axis=0)
    return Profile(means, coverage, hurt, len(streamlines))


def _sampled(data: Any, points: FloatArray, affine: Any) -> FloatArray:
    """Return the values of a map at points in mm, by trilinear interpolation between the voxels that have one.

    NaN where those hold less than half of the weight: outside the image, and beyond the edge of what was measured.
    """
    from scipy.ndimage import map_coordinates

    inverse = np.linalg.inv(np.asarray(affine, dtype="float64"))
    places = points @ inverse[:3, :3].T + inverse[:3, 3]
    ends = places.reshape(-1, 3).min(axis=0), places.reshape(-1, 3).max(axis=0)
    low = np.maximum(np.floor(ends[0]).astype(int) - 1, 0)
    high = np.maximum(np.ceil(ends[1]).astype(int) + 2, low)
    box = np.asarray(data, dtype="float64")[tuple(map(slice, low, high))]
    known = np.isfinite(box)
    at = np.moveaxis(places - low, -1, 0)
    summed, weight = (
        map_coordinates(part, at, order=1, mode="constant", cval=0.0)
        for part in (np.where(known, box, 0), known.astype("float64"))
    )
    found: FloatArray = np.divide(summed, weight, out=np.full(weight.shape, np.nan), where=weight >= _KNOWN)
    return found
