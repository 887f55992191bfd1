"""The complete grid of region features: one row for each value that a diffusion scan should have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from neurotrial.extract.diffusion.scalars import SCALARS
from neurotrial.extract.sides import HEMISPHERES

__all__ = [
    "COLUMNS", "MEANS", "POLICIES", "RATIOS", "REGIONS", "RING_MM", "STATISTICS", "Plausible", "RegionGrid", "expected_region_rows",
    "method_label", "tract_means",
]  # fmt: skip

REGIONS = ("cst", "plic")
POLICIES = ("include", "exclude", "only", "perilesional")
STATISTICS = ("mean", "weighted_mean", "median", "trimmed_mean", "sd")
RATIOS = ("ratio", "log_ratio", "asymmetry")
RING_MM = 6.0
"""Width of the perilesional ring."""

COLUMNS = [
    "feature", "region", "hemisphere", "side", "statistic", "method", "lesion_policy", "threshold", "value", "unit", "n",
    "coverage", "lesion_fraction", "status", "reason",
]  # fmt: skip
"""Columns of the contract `features` without identity."""

Plausible = Mapping[str, tuple[float, float]]
"""Lowest and highest plausible value of scalars."""

_COMPARED = ("include", "exclude")
"""Policies that leave voxels in both hemispheres, so that a ratio has a meaning."""
_RATIO_UNITS = MappingProxyType({"ratio": "ratio", "log_ratio": "ln ratio", "asymmetry": "index"})
_WEIGHTED = "+weighted"


@dataclass(frozen=True, slots=True)
class RegionGrid:
    """What is measured in each scan.

    Attributes
    ----------
    scalars : mapping of str to str
        Scalars with their units.
    regions : tuple of str
        Regions; each has a left and a right part.
    statistics, policies : tuple of str
        Some of `STATISTICS` and of `POLICIES`.
    ratios_of : tuple of str
        Statistics whose ratio, log ratio and asymmetry are made: ``mean``, ``weighted_mean``; empty for none.
    """

    scalars: Mapping[str, str] = field(default_factory=lambda: SCALARS)
    regions: tuple[str, ...] = REGIONS
    statistics: tuple[str, ...] = STATISTICS
    policies: tuple[str, ...] = POLICIES
    ratios_of: tuple[str, ...] = ("mean",)

    def value_rows(self, method: str, ring_mm: float) -> list[dict[str, Any]]:
        """Return the rows of each hemisphere, without values; ``side`` is ``?``, it follows from the hemisphere."""
        return [
            {
                "feature": scalar, "region": region, "hemisphere": hemisphere, "side": "?", "statistic": statistic,
                "method": method, "lesion_policy": policy, "threshold": ring_mm if policy == "perilesional" else np.nan,
                "value": np.nan, "unit": unit,
            }
            for scalar, unit in self.scalars.items()
            for region in self.regions
            for hemisphere in HEMISPHERES
            for policy in self.policies
            for statistic in self.statistics
        ]  # fmt: skip

    def ratio_rows(self, method: str) -> list[dict[str, Any]]:
        """Return the rows that compare the hemispheres, without values; ``of`` names the statistic compared."""
        return [
            {
                "feature": scalar, "region": region, "hemisphere": "both", "side": "inter", "statistic": ratio,
                "method": method + (_WEIGHTED if of == "weighted_mean" else ""), "lesion_policy": policy,
                "threshold": np.nan, "value": np.nan, "unit": unit, "of": of,
            }
            for scalar in self.scalars
            for region in self.regions
            for policy in self.policies
            if policy in _COMPARED
            for of in self.ratios_of
            for ratio, unit in _RATIO_UNITS.items()
        ]  # fmt: skip


MEANS = RegionGrid(statistics=("mean",), policies=("include", "exclude"), ratios_of=())
"""The mean of every region with the lesion and without it."""


def tract_means(scalars: Mapping[str, str], tract: str = "cst") -> RegionGrid:
    """Return what secondary methods give of a tract: the mean of each hemisphere, lesion included, and the ratios."""
    return RegionGrid(scalars, (tract,), ("mean",), ("include",), ("mean",))


def method_label(method: str, erosion: int = 0, plausible: Plausible | None = None) -> str:
    """Return how the column `method` states the options that change values.

    Examples
    --------
    >>> method_label("region_mask", 1, {"fa": (0.2, 1)})
    'region_mask+erosion1+fa[0.2,1]'
    """
    eroded = [f"erosion{erosion}"] if erosion else []
    ranges = [f"{name}[{low:g},{high:g}]" for name, (low, high) in (plausible or {}).items()]
    return "+".join([method, *eroded, *ranges])


def expected_region_rows(
    grid: RegionGrid = MEANS,
    *,
    method: str = "region_mask",
    erosion: int = 0,
    ring_mm: float = RING_MM,
    plausible: Plausible | None = None,
) -> list[dict[str, Any]]:
    """Return the feature rows that every diffusion scan has, without values; sides follow from the hemisphere.

    Parameters
    ----------
    grid : RegionGrid
        What is measured.
    method, erosion, ring_mm, plausible
        As in `neurotrial.extract.regions.features.region_features`, which gives the same rows with values.

    Returns
    -------
    list of dict
        Columns of the contract `features` without identity, n, coverage, lesion_fraction, status and reason.
    """
    label = method_label(method, erosion, plausible)
    rows = grid.value_rows(label, ring_mm) + grid.ratio_rows(label)
    return [{name: value for name, value in row.items() if name != "of"} for row in rows]
