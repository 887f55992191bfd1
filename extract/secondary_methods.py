"""Secondary methods of a diffusion scan: its streamlines, and tables along tracts that other programs made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.extract.bids.tract_tables import read_tract_table
from neurotrial.extract.diffusion.scalars import SCALARS
from neurotrial.extract.regions.grid import COLUMNS, expected_region_rows, tract_means
from neurotrial.extract.regions.ratios import compared_rows
from neurotrial.extract.regions.streamline_features import expected_streamline_rows, streamline_features
from neurotrial.extract.regions.streamline_files import read_streamlines
from neurotrial.extract.regions.streamline_profiles import streamline_profile
from neurotrial.extract.sides import HEMISPHERES, hemisphere_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neurotrial.extract.bids.scans import Scan
    from neurotrial.extract.visits.scan_maps import BoolArray, ScanMaps
    from neurotrial.imaging_plan import SecondaryMethod

__all__ = ["expected_secondary_rows", "secondary_tables"]

_TABLE_GRID = tract_means(SCALARS)
_TABLE = "tract_table"


def expected_secondary_rows(methods: Sequence[SecondaryMethod]) -> list[dict[str, Any]]:
    """Return the feature rows of secondary methods that every diffusion scan has, without values."""
    rows = expected_streamline_rows() if "streamlines" in methods else []
    if "tract_table" in methods:
        rows += expected_region_rows(_TABLE_GRID, method=_TABLE)
    return rows


def secondary_tables(
    scan: Scan, maps: ScanMaps, lesion: BoolArray | None, methods: Sequence[SecondaryMethod], note: str
) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    """Measure the corticospinal tract of a scan by secondary methods.

    Parameters
    ----------
    scan : Scan
        Its files: streamlines, or the table of another program.
    maps : ScanMaps
        Its scalars, and the side of the lesion.
    lesion : ndarray of bool, shape (x, y, z), or None
        The lesion mask that holds.
    methods : sequence of {"streamlines", "tract_table"}
        What is asked for.
    note : str
        What makes every value of the scan worth a look.

    Returns
    -------
    list of DataFrame, list of DataFrame
        Rows of `features` and of `profiles` without identity. What a scan does not have is missing, with the reason.

    Raises
    ------
    ScanFault
        If a file breaks a rule.
    """
    features, profiles = [], []
    if "streamlines" in methods:
        files = {side: scan.files.get(f"streamlines_cst_{side}") for side in HEMISPHERES}
        lines = {side: read_streamlines(path) for side, path in files.items() if path is not None}
        features.append(
            streamline_features(
                lines, maps.scalars, maps.affine, lesion_side=maps.side, lesion=lesion, note=note
            )
        )
        profiles.append(
            streamline_profile(lines, maps.scalars, maps.affine, lesion_side=maps.side, lesion=lesion)
        )
    if "tract_table" in methods:
        found = _along(scan)
        features.append(_table_features(found, maps.side, note))
        profiles.append(_table_profiles(found, maps.side))
    return features, profiles


def _along(scan: Scan) -> pd.DataFrame:
    """Return what the table of another program holds of the tract; nothing where there is no table."""
    if _TABLE not in scan.files:
        return pd.DataFrame(
            columns=["tract", "hemisphere", "feature", "node", "value", "reason", "n_streamlines"]
        )
    found = read_tract_table(
        scan.files[_TABLE],
        scan.makers.get(_TABLE, scan.producer),
        feature="fa",
        counts=scan.files.get("tract_counts"),
    )
    return found[found["tract"] == "cst"]


def _table_features(found: pd.DataFrame, lesion_side: str | None, note: str) -> pd.DataFrame:
    rows = []
    for row in _TABLE_GRID.value_rows(_TABLE, np.nan):
        own = found[(found["hemisphere"] == row["hemisphere"]) & (found["feature"] == row["feature"])]
        side = hemisphere_side(row["hemisphere"], lesion_side)
        rows.append({**row, "side": side, "coverage": np.nan, "lesion_fraction": np.nan, **_mean(own, note)})
    rows += compared_rows(_TABLE_GRID.ratio_rows(_TABLE), rows, lesion_side)
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n": "Int64", "reason": "str"})


def _mean(own: pd.DataFrame, note: str) -> dict[str, Any]:
    """Return the mean over the nodes of a profile, or why there is none."""
    counts = own["n_streamlines"].dropna()
    n = int(counts.iloc[0]) if len(counts) else 0
    values = own["value"].to_numpy(dtype="float64")
    if not np.isfinite(values).any():
        reasons = own["reason"].dropna()
        reason = str(reasons.iloc[0]) if len(reasons) else "there is no table along tracts that holds it"
        return {"n": n, "status": "missing_input", "reason": reason}
    state = {"status": "flagged", "reason": note} if note else {"status": "ok", "reason": None}
    return {"n": n, "value": float(np.nanmean(values)), **state}


def _table_profiles(found: pd.DataFrame, lesion_side: str | None) -> pd.DataFrame:
    rows = found[["tract", "hemisphere", "feature", "node", "value"]]
    return rows.assign(
        side=[hemisphere_side(hemisphere, lesion_side) for hemisphere in rows["hemisphere"]],
        method=_TABLE, lesion_policy="include", n=found["n_streamlines"].astype("Float64"), lesion_fraction=np.nan,
    )  # fmt: skip
