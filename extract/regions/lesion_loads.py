"""How a lesion loads a tract: overlap, overlap weighted by the tract's narrowness, the worst cross-section, the distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.extract.lesions import voxel_ml
from neurotrial.extract.regions.voxels import CORE

__all__ = ["LesionLoad", "lesion_load", "lesion_loads"]

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class LesionLoad:
    """What a lesion does to a tract; NaN where the tract has no voxel.

    Attributes
    ----------
    raw : float
        Overlap in ml, weighted by the probability of the tract.
    weighted : float
        Overlap in ml, in each axial slice times the largest cross-section of the tract over that of the slice.
    largest : float
        Largest share of a cross-section that is lesioned, 0 to 1.
    share : float
        Share of the tract, by its weight, that is lesioned, 0 to 1.
    distance_mm : float
        Smallest distance from the centre of a lesioned voxel to that of one of the tract: 0 where they overlap, NaN
        without a lesion.
    """

    raw: float
    weighted: float
    largest: float
    share: float
    distance_mm: float


def lesion_load(lesion: BoolArray, weights: Any, affine: Any) -> LesionLoad:
    """Measure how a lesion loads a tract.

    Parameters
    ----------
    lesion : ndarray of bool, shape (x, y, z)
        The lesion.
    weights : ndarray, shape (x, y, z)
        Weight of each voxel of the tract, 0 to 1, or a mask; cross-sections are of weights of at least 0.5.
    affine : array, shape (4, 4)
        Voxel indices to mm, the third axis upwards: its slices are the cross-sections.

    Returns
    -------
    LesionLoad
        Loads.

    Raises
    ------
    InputError
        If lesion and tract have different shapes.

    References
    ----------
    Zhu LL et al. Stroke 2010;41:910-915. https://doi.org/10.1161/STROKEAHA.109.577023
    Feng W et al. Ann Neurol 2015;78:860-870. https://doi.org/10.1002/ana.24510

    Examples
    --------
    >>> import numpy as np
    >>> tract = np.ones((2, 2, 2))
    >>> tract[0, :, 1] = 0  # half as wide in the upper slice
    >>> lesion = np.zeros((2, 2, 2), dtype=bool)
    >>> lesion[1, 0, 1] = True
    >>> load = lesion_load(lesion, tract, np.diag([10, 10, 10, 1]))
    >>> print(f"{load.raw:.1f} ml, {load.weighted:.1f} ml, {load.largest:.1f} of a cross-section")
    1.0 ml, 2.0 ml, 0.5 of a cross-section
    """
    tract = np.asarray(weights)
    if lesion.shape != tract.shape:
        rule = f"lesion and tract have one shape; they have {lesion.shape} and {tract.shape}"
        raise refuse("lesion_load", rule, "resample the lesion to the grid of the tract")
    matrix = np.asarray(affine, dtype="float64")
    core = tract >= CORE
    total = float(tract.sum(dtype="float64"))
    if not core.any():
        return LesionLoad(*[float("nan")] * 5)
    voxel = voxel_ml(matrix)
    overlap = float(tract[lesion].sum(dtype="float64"))
    areas, lesioned = core.sum(axis=(0, 1)), (core & lesion).sum(axis=(0, 1))
    shares = np.divide(lesioned, areas, out=np.zeros(len(areas)), where=areas > 0)
    return LesionLoad(
        overlap * voxel,
        float(shares.sum() * areas.max()) * voxel,
        float(shares.max()),
        overlap / total,
        _distance(lesion, core, matrix),
    )


def lesion_loads(lesion: BoolArray, regions: Mapping[tuple[str, str], Any], affine: Any) -> pd.DataFrame:
    """Measure how a lesion loads each region.

    Parameters
    ----------
    lesion : ndarray of bool, shape (x, y, z)
        The lesion.
    regions : mapping of (str, str) to ndarray, shape (x, y, z)
        By region and hemisphere.
    affine : array, shape (4, 4)
        As in `lesion_load`.

    Returns
    -------
    DataFrame
        One row for each region: region, hemisphere, load_raw, load_weighted (ml), load_max, share (0 to 1), distance_mm.

    Raises
    ------
    InputError
        As `lesion_load`.
    """
    rows = []
    for (region, hemisphere), weights in regions.items():
        load = lesion_load(lesion, weights, affine)
        rows.append({
            "region": region, "hemisphere": hemisphere, "load_raw": load.raw, "load_weighted": load.weighted,
            "load_max": load.largest, "share": load.share, "distance_mm": load.distance_mm,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _distance(lesion: BoolArray, core: BoolArray, affine: FloatArray) -> float:
    if not lesion.any():
        return float("nan")
    if (lesion & core).any():
        return 0.0
    from scipy.spatial import cKDTree

    places = [np.argwhere(mask) @ affine[:3, :3].T for mask in (lesion, core)]
    return float(cKDTree(places[0]).query(places[1])[0].min())
