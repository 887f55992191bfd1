"""Scalars along streamlines: the secondary method, with the number of streamlines that a lesion has left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from neurotrial.extract.diffusion.scalars import SCALARS
from neurotrial.extract.regions.bundles import Bundle, one_sided
from neurotrial.extract.regions.grid import COLUMNS, expected_region_rows, tract_means
from neurotrial.extract.regions.ratios import compared_rows
from neurotrial.extract.regions.streamline_profiles import FEWEST, Profile, bundle_profile
from neurotrial.extract.sides import hemisphere_side

__all__ = ["expected_streamline_rows", "streamline_features"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


def expected_streamline_rows(
    scalars: Mapping[str, str] = SCALARS, *, tract: str = "cst", method: str = "streamlines"
) -> list[dict[str, Any]]:
    """Return the rows that `streamline_features` makes, without values.

    Parameters
    ----------
    scalars : mapping of str to str
        Scalars with their units.
    tract, method : str
        As there.
    """
    return expected_region_rows(tract_means(scalars, tract), method=method)


def streamline_features(
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
    note: str = "",
) -> pd.DataFrame:
    """Measure scalars along the streamlines of a tract.

    Parameters
    ----------
    streamlines : mapping of str to sequence of ndarray, shape (n_points, 3)
        By hemisphere (left, right), in mm; one that is missing was not made.
    scalars : mapping of str to ndarray, shape (x, y, z)
        Maps; NaN where not measured.
    affine : array, shape (4, 4)
        Voxel indices of the maps to mm.
    lesion_side : str or None
        Side of the lesion.
    lesion : ndarray of bool, shape (x, y, z), or None
        Lesion mask.
    tract, method : str
        What the rows are called.
    nodes : int
        Points along the tract.
    fewest : int
        Streamlines below which there is no value: what a lesion leaves of a tract says nothing of the tract.
    note : str
        What makes every value of the scan worth a look; flags it.

    Returns
    -------
    DataFrame
        Rows of the contract `features` without identity: the mean of the profile for each hemisphere, and the ratios.
        ``n`` counts streamlines, ``coverage`` is the share of their points with a value. Lesioned voxels are included.

    Raises
    ------
    ScanFault
        If more than half of the streamlines lie in the other hemisphere.
    """
    units = {name: SCALARS.get(name, "") for name in scalars}
    bundles = {
        side: one_sided(lines, side, f"the streamlines of {tract} {side}")
        for side, lines in streamlines.items()
    }
    profiles = {
        side: bundle_profile(bundle.streamlines, scalars, affine, nodes, lesion)
        for side, bundle in bundles.items()
    }
    grid = tract_means(units, tract)
    rows = []
    for row in grid.value_rows(method, np.nan):
        side = row["hemisphere"]
        found = _found(row["feature"], bundles.get(side), profiles.get(side), fewest, note)
        rows.append({**row, "side": hemisphere_side(side, lesion_side), **found})
    rows += compared_rows(grid.ratio_rows(method), rows, lesion_side)
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n": "Int64", "reason": "str"})


def _found(
    scalar: str, bundle: Bundle | None, profile: Profile | None, fewest: int, note: str
) -> dict[str, Any]:
    nothing = {"n": 0, "coverage": np.nan, "lesion_fraction": np.nan}
    if bundle is None or profile is None:
        return {**nothing, "status": "missing_input", "reason": "no streamlines were made"}
    found = {
        "n": profile.n,
        "coverage": profile.coverage[scalar],
        "lesion_fraction": float(profile.lesion_fraction.mean()),
    }
    if profile.n < fewest:
        reason = f"{profile.n} streamlines, fewer than {fewest}"
        return {**found, "status": "low_coverage", "reason": reason}
    if np.isnan(profile.means[scalar]).all():
        return {**found, "status": "low_coverage", "reason": "no point of the streamlines has a value"}
    left_out = f"{bundle.n_other} streamlines of the other hemisphere are left out" if bundle.n_other else ""
    reason = "; ".join(filter(None, [note, left_out]))
    status = {"status": "flagged", "reason": reason} if reason else {"status": "ok", "reason": None}
    return {**found, "value": float(np.nanmean(profile.means[scalar])), **status}
