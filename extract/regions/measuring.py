"""One value of a region, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neurotrial.extract.regions.picking import voxels_of
from neurotrial.extract.regions.summaries import SUMMARIES, weighted_mean
from neurotrial.extract.sides import hemisphere_side

if TYPE_CHECKING:
    from neurotrial.extract.regions.picking import Limits, Picked, Scan

__all__ = ["measured_row"]

_NAN = float("nan")


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
    picked = scan.picked(row)
    found |= {
        "n": picked.values.size,
        "coverage": picked.measured.coverage,
        "lesion_fraction": picked.measured.lesion_fraction if scan.limits.has_lesion_mask else _NAN,
    }
    return {**row, **found, **_state(row, picked, scan.limits)}


def _lost(row: Mapping[str, Any], scan: Scan) -> str:
    """Say which input of a row is missing; empty where none is."""
    region = (row["region"], row["hemisphere"])
    if region not in scan.voxels:
        return f"there is no region {row['region']} of the {row['hemisphere']} hemisphere"
    if not voxels_of(row, scan).weights.size:
        empty = "the region has no voxel"
        return f"{empty} of at least half a weight" if scan.voxels[region].weights.size else empty
    if row["feature"] not in scan.scalars:
        return f"there is no map of {row['feature']}"
    if row["lesion_policy"] != "include" and not scan.limits.has_lesion_mask:
        return "there is no lesion mask"
    return ""


def _state(row: Mapping[str, Any], picked: Picked, limits: Limits) -> dict[str, Any]:
    policy, statistic = row["lesion_policy"], row["statistic"]
    if not picked.n_region and policy in {"only", "perilesional"}:
        nearby = f"no voxel of the region lies within {row['threshold']:g} mm of the lesion"
        reason = "the region has no lesion" if policy == "only" else nearby
        return {"status": "not_applicable", "reason": reason}
    if picked.measured.coverage < limits.min_coverage:
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
    share = f"{picked.measured.coverage:.0%} of the region"
    if picked.measured.unmeasured:
        return f"{share} was measured"
    return f"{share} lies inside the brain mask" + (" at every visit" if limits.cut else "")
