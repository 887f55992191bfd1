"""Whether what is measured fits together: shapes, types, ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.regions.grid import POLICIES, STATISTICS

if TYPE_CHECKING:
    from neurotrial.extract.regions.grid import Plausible, RegionGrid

__all__ = ["check_arrays", "check_options"]


def check_arrays(
    scalars: Mapping[str, Any], regions: Mapping[tuple[str, str], Any], brain: Any, lesion: Any, covered: Any
) -> None:
    """Refuse arrays of different shapes, masks of another type than bool, and weights outside 0 to 1.

    Raises
    ------
    InputError
        With the first array that does not fit.
    """
    masks = {"brain": brain, "lesion": lesion, "covered": covered}
    for name, mask in masks.items():
        if mask is not None and np.asarray(mask).dtype != np.bool_:
            raise refuse(
                name, "is a mask of type bool", "compare with a threshold, for example `image > 0.5`"
            )
    named = {name: mask for name, mask in masks.items() if mask is not None}
    named |= dict(scalars) | {f"{region} {hemisphere}": one for (region, hemisphere), one in regions.items()}
    for name, array in named.items():
        if np.shape(array) != np.shape(brain):
            rule = f"has the shape of the brain mask, {np.shape(brain)}; it has {np.shape(array)}"
            raise refuse(name, rule, "resample it to the grid of the diffusion image")
    for (region, hemisphere), weights in regions.items():
        # NaN fails both comparisons
        if np.size(weights) and not (np.min(weights) >= 0 and np.max(weights) <= 1):
            raise refuse(f"{region} {hemisphere}", "has weights from 0 to 1", "divide percentages by 100")


def check_options(
    grid: RegionGrid,
    min_coverage: float,
    erosion: int,
    ring_mm: float,
    plausible: Plausible | None,
    scalars: Mapping[str, Any],
) -> None:
    """Refuse options outside their range.

    Raises
    ------
    InputError
        With the first option that breaks its rule.
    """
    unknown = sorted({*grid.policies} - {*POLICIES} | {*grid.statistics} - {*STATISTICS})
    missing = sorted({*(plausible or {})} - {*scalars})
    needless = sorted({*grid.ratios_of} - ({*grid.statistics} & {"mean", "weighted_mean"}))
    for broken, where, rule, remedy in (
        (
            unknown,
            "grid",
            f"has the policies {POLICIES} and the statistics {STATISTICS}",
            "correct the names",
        ),
        (needless, "grid: ratios_of", "names means that are among its statistics", "add them"),
        (missing, "plausible", "names scalars that are given", "give their maps, or leave them out"),
    ):
        if broken:
            raise refuse(where, rule, remedy, broken)
    if not 0 <= min_coverage <= 1:
        raise refuse(
            "min_coverage", f"is a share from 0 to 1, not {min_coverage}", "0.5 is half of the region"
        )
    if erosion < 0 or not ring_mm > 0:
        rule = f"are 0 or more times and more than 0 mm, not {erosion} and {ring_mm}"
        raise refuse("erosion, ring_mm", rule, "correct them")
