"""The values of a scalar in a region, as a lesion policy takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from neurotrial.extract.regions.grid import Plausible
    from neurotrial.extract.regions.voxels import BoolArray, FloatArray, Voxels

__all__ = ["Limits", "Measured", "Picked", "Scan", "voxels_of"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What decides whether a value counts.

    Attributes
    ----------
    min_coverage : float
        Share of a region that must be measured.
    note : str
        Flags every value.
    has_lesion_mask, cut : bool
        Whether a lesion mask is known; whether regions are cut to what other visits measured too.
    plausible : mapping of str to (float, float)
        Ranges of scalars.
    """

    min_coverage: float = 0.5
    note: str = ""
    has_lesion_mask: bool = True
    cut: bool = False
    plausible: Plausible = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A scalar in a region of n voxels.

    Attributes
    ----------
    values : ndarray, shape (n,)
        NaN where not measured.
    used : ndarray of bool, shape (n,)
        Measured and plausible.
    coverage, lesion_fraction : float
        Share of the region that was measured, that is lesioned.
    unmeasured : bool
        Whether voxels inside the brain have no value.
    """

    values: FloatArray
    used: BoolArray
    coverage: float
    lesion_fraction: float
    unmeasured: bool


@dataclass(frozen=True, slots=True, eq=False)
class Picked:
    """What a lesion policy takes of it.

    Attributes
    ----------
    values, weights : ndarray, shape (n,)
        Values with their weights.
    n_region : int
        Voxels of the region that the policy takes, measured or not.
    measured : Measured
        The whole region.
    """

    values: FloatArray
    weights: FloatArray
    n_region: int
    measured: Measured


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """Maps and regions of one scan; what was looked up once is kept, because the rows of a region share it.

    Attributes
    ----------
    scalars : mapping of str to ndarray
        Maps.
    voxels, cores : mapping of (str, str) to Voxels
        By region and hemisphere: with their weights, and those of at least a half.
    lesion_side : str or None
        Side of the lesion.
    limits : Limits
        What decides whether a value counts.
    """

    scalars: Mapping[str, Any]
    voxels: Mapping[tuple[str, str], Voxels]
    cores: Mapping[tuple[str, str], Voxels]
    lesion_side: str | None
    limits: Limits
    _measured: dict[tuple[str, ...], Measured] = field(default_factory=dict)
    _picked: dict[tuple[str, ...], Picked] = field(default_factory=dict)

    def picked(self, row: Mapping[str, Any]) -> Picked:
        """Return the values that a row of the grid is made of; its region and scalar must be there."""
        key = (*_key(row), row["lesion_policy"])
        if key not in self._picked:
            voxels, measured = voxels_of(row, self), self._of_region(row)
            taken = voxels.picked(row["lesion_policy"])
            used = taken & measured.used
            self._picked[key] = Picked(
                measured.values[used], voxels.weights[used], int(taken.sum()), measured
            )
        return self._picked[key]

    def _of_region(self, row: Mapping[str, Any]) -> Measured:
        key = _key(row)
        if key not in self._measured:
            voxels = voxels_of(row, self)
            values = self.scalars[row["feature"]][voxels.index].astype("float64")
            finite = voxels.inside & np.isfinite(values)
            total = voxels.weights.sum()
            self._measured[key] = Measured(
                values,
                finite & self._plausible(voxels),
                float(voxels.weights[finite].sum() / total),
                float(voxels.weights[voxels.lesioned].sum() / total),
                bool((voxels.inside & ~finite).any()),
            )
        return self._measured[key]

    def _plausible(self, voxels: Voxels) -> BoolArray:
        kept = np.ones(voxels.weights.size, dtype=bool)
        for name, (low, high) in self.limits.plausible.items():
            values = self.scalars[name][voxels.index]
            kept &= (values >= low) & (values <= high)
        return kept


def voxels_of(row: Mapping[str, Any], scan: Scan) -> Voxels:
    """Return the voxels that the statistic of a row is made of."""
    voxels = scan.voxels if row["statistic"] == "weighted_mean" else scan.cores
    return voxels[row["region"], row["hemisphere"]]


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    kind = "weighted" if row["statistic"] == "weighted_mean" else "core"
    return row["feature"], row["region"], row["hemisphere"], kind
