"""Features of regions: every statistic of every scalar by hemisphere and lesion policy, and the ratio of the hemispheres."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from neurotrial.extract.diffusion.scalars import SCALARS
from neurotrial.extract.regions.checks import check_arrays, check_options
from neurotrial.extract.regions.grid import COLUMNS, MEANS, RING_MM, Plausible, RegionGrid, method_label
from neurotrial.extract.regions.measuring import measured_row
from neurotrial.extract.regions.picking import Limits, Scan
from neurotrial.extract.regions.ratios import compared_rows
from neurotrial.extract.regions.ring import perilesional_ring
from neurotrial.extract.regions.voxels import Surroundings, region_voxels

__all__ = ["region_features", "region_rows"]

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
Maps = Mapping[str, Any]
Regions = Mapping[tuple[str, str], Any]


def region_features(
    scalars: Maps,
    regions: Regions,
    brain: BoolArray,
    lesion: BoolArray | None,
    *,
    lesion_side: str | None,
    voxel_mm: Sequence[float],
    method: str = "region_mask",
    covered: BoolArray | None = None,
    note: str = "",
    min_coverage: float = 0.5,
    erosion: int = 0,
    ring_mm: float = RING_MM,
    plausible: Plausible | None = None,
    grid: RegionGrid | None = None,
) -> pd.DataFrame:
    """Measure regions of a diffusion scan on the complete grid.

    Parameters
    ----------
    scalars : mapping of str to ndarray, shape (x, y, z)
        Maps; NaN where not measured. FA without unit, diffusivities in um2/ms.
    regions : mapping of (str, str) to ndarray, shape (x, y, z)
        By region and hemisphere (left, right): weights of 0 to 1, or a mask. The weighted mean takes every voxel with a
        weight, the other statistics those of at least 0.5.
    brain : ndarray of bool, shape (x, y, z)
        Brain mask.
    lesion : ndarray of bool, shape (x, y, z), or None
        Lesion mask; None where there is none, then only the policy `include` has values.
    lesion_side : str or None
        ``left``, ``right``, ``both``, ``none``, or None where it is not known.
    voxel_mm : sequence of float
        Size of a voxel along each axis.
    method : str
        Where the regions come from; options that change values are added to it.
    covered : ndarray of bool, shape (x, y, z), or None
        Voxels that every visit of the participant measured; None for all.
    note : str
        What makes every value of the scan worth a look; flags it.
    min_coverage : float
        Share of a region that must be measured, 0 to 1.
    erosion : int
        Times that each region loses the voxels at its border.
    ring_mm : float
        Width of the perilesional ring; stands in the column `threshold` of its rows.
    plausible : mapping of str to (float, float), or None
        Range of scalars outside which a voxel is left out of all of them. Not counted in the coverage. Off by default:
        it also takes away damaged tissue.
    grid : RegionGrid or None
        The rows to make; None for every statistic and policy of what `scalars` and `regions` hold.

    Returns
    -------
    DataFrame
        Rows of the contract `features` without identity. A value that cannot be had is NaN, with status and reason. ``n``
        counts voxels; ``coverage`` and ``lesion_fraction`` are shares of the whole region (of its weight for weighted
        means). Rows that compare the hemispheres take their means from the same method and policy; their ``n`` and
        ``coverage`` are the smaller, their ``lesion_fraction`` is ipsilesional.

    Raises
    ------
    InputError
        If shapes differ, masks are not of type bool, weights are not in 0 to 1, or an option is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> fa = np.full((4, 2, 2), 0.5)
    >>> fa[2:] = 0.4
    >>> left = np.arange(4)[:, None, None] < 2
    >>> regions = {("cst", "left"): left & (fa > 0), ("cst", "right"): ~left & (fa > 0)}
    >>> brain, lesion = fa > 0, fa < 0
    >>> rows = region_features({"fa": fa}, regions, brain, lesion, lesion_side="right", voxel_mm=(2, 2, 2))
    >>> rows.query("lesion_policy == 'exclude' and statistic == 'ratio'")["value"].round(6).tolist()
    [0.8]
    """
    wanted = grid or RegionGrid({name: SCALARS.get(name, "") for name in scalars}, _names(regions))
    check_options(wanted, min_coverage, erosion, ring_mm, plausible, scalars)
    check_arrays(scalars, regions, brain, lesion, covered)
    label = method_label(method, erosion, plausible)
    ring = None
    if "perilesional" in wanted.policies and lesion is not None:
        ring = perilesional_ring(lesion, voxel_mm, ring_mm)
    around = Surroundings(brain if covered is None else brain & covered, lesion, ring)
    limits = Limits(min_coverage, note, lesion is not None, covered is not None, plausible or {})
    scan = _scan(scalars, regions, around, lesion_side, limits, erosion)
    rows = [measured_row(row, scan) for row in wanted.value_rows(label, ring_mm)]
    rows += compared_rows(wanted.ratio_rows(label), rows, lesion_side)
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n": "Int64", "reason": "str"})


def region_rows(
    scalars: Maps,
    regions: Regions,
    brain: BoolArray,
    lesion: BoolArray,
    lesion_side: str | None,
    note: str = "",
) -> Iterator[dict[str, Any]]:
    """Yield the means of regions with and without the lesion: the rows of `MEANS`.

    Parameters
    ----------
    scalars : mapping of str to ndarray
        Maps of the tensor's scalars; NaN outside the brain mask.
    regions : mapping of (str, str) to ndarray of bool
        Mask of each region and hemisphere.
    brain, lesion : ndarray of bool
        Masks on the same grid.
    lesion_side : str or None
        Side of the lesion.
    note : str
        What makes every value of the scan worth a look; flags it.

    Yields
    ------
    dict
        A row of `features` without the identity of the scan.
    """
    around = Surroundings(brain, lesion, None)
    scan = _scan(scalars, regions, around, lesion_side, Limits(note=note))
    for row in MEANS.value_rows("region_mask", RING_MM):
        yield measured_row(row, scan)


def _scan(
    scalars: Maps,
    regions: Regions,
    around: Surroundings,
    lesion_side: str | None,
    limits: Limits,
    erosion: int = 0,
) -> Scan:
    voxels = {key: region_voxels(np.asarray(weights), around, erosion) for key, weights in regions.items()}
    cores = {key: own.core() for key, own in voxels.items()}
    return Scan(scalars, voxels, cores, lesion_side, limits)


def _names(regions: Regions) -> tuple[str, ...]:
    return tuple(dict.fromkeys(region for region, _ in regions))
