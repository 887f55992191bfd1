"""Regions of a diffusion scan: masks by hemisphere, and the mean of each scalar in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.diffusion.scalars import SCALARS
from neurotrial.extract.scan_result import ScanFault
from neurotrial.extract.sides import HEMISPHERES, hemisphere_side

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["REGIONS", "check_region_side", "expected_region_rows", "region_rows"]

REGIONS = ("cst", "plic")
POLICIES = ("include", "exclude")
_LOWEST_COVERAGE = 0.5
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


def expected_region_rows() -> list[dict[str, Any]]:
    """Return the feature rows that every diffusion scan has, without values; sides follow from the hemisphere."""
    return [
        {
            "feature": scalar, "region": region, "hemisphere": hemisphere, "side": "?", "statistic": "mean",
            "method": "region_mask", "lesion_policy": policy, "threshold": np.nan, "value": np.nan, "unit": unit,
        }
        for scalar, unit in SCALARS.items()
        for region in REGIONS
        for hemisphere in HEMISPHERES
        for policy in POLICIES
    ]  # fmt: skip


def check_region_side(mask: BoolArray, x: Any, hemisphere: str, path: Path) -> None:
    """Refuse a region whose centre lies in the other hemisphere than its name says: a mirrored atlas.

    Raises
    ------
    ScanFault
        If the centroid lies on the other side of the midline, or the mask is empty.

    References
    ----------
    Rohlfing T. Front Neurosci 2013;7:4. https://doi.org/10.3389/fnins.2013.00004
    """
    if not mask.any():
        raise ScanFault(path.name, "is an empty mask", "make the region again")
    centre = float(x[mask].mean())
    if (centre < 0) != (hemisphere == "left"):
        rule = f"is named for the {hemisphere} hemisphere, but its centre lies at x = {centre:.1f} mm"
        raise ScanFault(path.name, rule, "mend the header, or the name: left is negative")


def region_rows(
    scalars: Mapping[str, Any],
    regions: Mapping[tuple[str, str], BoolArray],
    brain: BoolArray,
    lesion: BoolArray,
    lesion_side: str | None,
    note: str = "",
) -> Iterator[dict[str, Any]]:
    """Yield the feature rows of a diffusion scan.

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
    for row in expected_region_rows():
        mask = regions[row["region"], row["hemisphere"]]
        used = mask & brain & ~(lesion if row["lesion_policy"] == "exclude" else np.False_)
        values = scalars[row["feature"]][used]
        values = values[np.isfinite(values)]
        covered = float((mask & brain).sum() / mask.sum())
        found = {
            "side": hemisphere_side(row["hemisphere"], lesion_side),
            "n": int(values.size),
            "coverage": covered,
            "lesion_fraction": float((mask & lesion).sum() / mask.sum()),
        }
        yield row | found | _state(values, covered, note)


def _state(values: Any, covered: float, note: str) -> dict[str, Any]:
    if covered < _LOWEST_COVERAGE:
        return {"status": "low_coverage", "reason": f"{covered:.0%} of the region lies inside the brain mask"}
    if not values.size:
        return {"status": "low_coverage", "reason": "no voxel of the region is left"}
    state = {"status": "flagged", "reason": note} if note else {"status": "ok", "reason": None}
    return {"value": float(values.mean()), **state}
