"""One value of a region, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.regions.summaries import SUMMARIES, weighted_mean
from neurotrial.extract.sides import hemisphere_side

if TYPE_CHECKING:
    from neurotrial.extract.regions.grid import Plausible
    from neurotrial.extract.regions.voxels import BoolArray, FloatArray, Voxels

__all__ = ["Limits", "Scan", "measured_row"]

_NAN = float("nan")


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
class Scan:
    """Maps and regions of one scan.

    Attributes
    ----------
    scalars : mapping of str to ndarray
        Maps.
    voxels : mapping of (str, str) to Voxels
        By region and hemisphere.
    lesion_side : str or None
        Side of the lesion.
    limits : Limits
        What decides whether a value counts.
    picked : dict
        Values that were taken already: the statistics of a region share them.
    """

    scalars: Mapping[str, Any]
    voxels: Mapping[tuple[str, str], Voxels]
    lesion_side: str | None
    limits: Limits
    picked: dict[tuple[Any, ...], Picked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Picked:
    """The values of a scalar in a region that a lesion policy takes.

    Attributes
    ----------
    values, weights : ndarray, shape (n,)
        Values with their weights.
    coverage, lesion_fraction : float
        Share of the whole region that was measured, that is lesioned.
    n_region : int
        Voxels of the region that the policy takes, measured or not.
    unmeasured : bool
        Whether voxels inside the brain have no value.
    """

    values: FloatArray
    weights: FloatArray
    coverage: float
    lesion_fraction: float
    n_region: int
    unmeasured: bool


def measured_row(row: Mapping[str, Any], scan: Scan) -> dict[str, Any]:
    """Return a row of the grid with its value and what belongs to it, or with the reason why there is none.

    Parameters
    ----------
    row : mapping
        As `RegionGrid.value_rows` gives it.
    scan : Scan
        What was measured.
    """
    found: dict[str, Any] = {"side": hemisphere_side(row["hemisphere"], scan.lesion_side)}
    lost = _lost(row, scan)
    if lost:
        nothing = {"n": 0, "coverage": _NAN, "lesion_fraction": _NAN}
        return {**row, **found, **nothing, "status": "missing_input", "reason": lost}
    picked = _picked(row, scan)
    found |= {
        "n": picked.values.size,
        "coverage": picked.coverage,
        "lesion_fraction": picked.lesion_fraction if scan.limits.has_lesion_mask else _NAN,
    }
    return {**row, **found, **_state(row, picked, scan.limits)}


def _lost(row: Mapping[str, Any], scan: Scan) -> str:
    """Say which input of a row is missing; empty where none is."""
    voxels = scan.voxels.get((row["region"], row["hemisphere"]))
    if voxels is None:
        return f"there is no region {row['region']} of the {row['hemisphere']} hemisphere"
    if not _shares(voxels, row).any():
        return "the region has no voxel"
    if row["feature"] not in scan.scalars:
        return f"there is no map of {row['feature']}"
    if row["lesion_policy"] != "include" and not scan.limits.has_lesion_mask:
        return "there is no lesion mask"
    return ""


def _shares(voxels: Voxels, row: Mapping[str, Any]) -> FloatArray:
    return voxels.weights if row["statistic"] == "weighted_mean" else voxels.core


def _picked(row: Mapping[str, Any], scan: Scan) -> Picked:
    weighted = row["statistic"] == "weighted_mean"
    key = (row["feature"], row["region"], row["hemisphere"], row["lesion_policy"], weighted)
    if key not in scan.picked:
        scan.picked[key] = _pick(row, scan)
    return scan.picked[key]


def _pick(row: Mapping[str, Any], scan: Scan) -> Picked:
    voxels = scan.voxels[row["region"], row["hemisphere"]]
    shares = _shares(voxels, row)
    values = scan.scalars[row["feature"]][voxels.index]
    measured = voxels.inside & np.isfinite(values)
    taken = voxels.picked(row["lesion_policy"]) & (shares > 0)
    used = taken & measured & _plausible(voxels, scan)
    return Picked(
        values[used].astype("float64"),
        shares[used],
        float(shares[measured].sum() / shares.sum()),
        float(shares[voxels.lesioned].sum() / shares.sum()),
        int(taken.sum()),
        bool((shares[voxels.inside & ~measured] > 0).any()),
    )


def _plausible(voxels: Voxels, scan: Scan) -> BoolArray:
    kept = np.ones(voxels.weights.size, dtype=bool)
    for name, (low, high) in scan.limits.plausible.items():
        values = scan.scalars[name][voxels.index]
        kept &= (values >= low) & (values <= high)
    return kept


def _state(row: Mapping[str, Any], picked: Picked, limits: Limits) -> dict[str, Any]:
    policy, statistic = row["lesion_policy"], row["statistic"]
    if not picked.n_region and policy in {"only", "perilesional"}:
        nearby = f"no voxel of the region lies within {row['threshold']:g} mm of the lesion"
        reason = "the region has no lesion" if policy == "only" else nearby
        return {"status": "not_applicable", "reason": reason}
    if picked.coverage < limits.min_coverage:
        return {"status": "low_coverage", "reason": _uncovered(picked, limits)}
    if not picked.values.size:
        return {"status": "low_coverage", "reason": "no voxel of the region is left"}
    if statistic == "sd" and picked.values.size == 1:
        return {"status": "low_coverage", "reason": "one voxel has no standard deviation"}
    if statistic == "weighted_mean":
        value = weighted_mean(picked.values, picked.weights)
    else:
        value = SUMMARIES[statistic](picked.values)
    state = {"status": "flagged", "reason": limits.note} if limits.note else {"status": "ok", "reason": None}
    return {"value": value, **state}


def _uncovered(picked: Picked, limits: Limits) -> str:
    share = f"{picked.coverage:.0%} of the region"
    if picked.unmeasured:
        return f"{share} was measured"
    return f"{share} lies inside the brain mask" + (" at every visit" if limits.cut else "")
