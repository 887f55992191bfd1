"""The ipsilesional hemisphere against the contralesional one: ratio, log ratio, asymmetry."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from neurotrial.extract.sides import HEMISPHERES

__all__ = ["COMPARISONS", "compared_rows"]

COMPARISONS: Mapping[str, Callable[[float, float], float]] = MappingProxyType(
    {
        "ratio": lambda ipsi, contra: ipsi / contra,
        "log_ratio": lambda ipsi, contra: math.log(ipsi / contra),
        "asymmetry": lambda ipsi, contra: (contra - ipsi) / (contra + ipsi),
    }
)
"""Of an ipsilesional and a contralesional value, both positive: ipsi/contra, ln(ipsi/contra), (contra-ipsi)/(contra+ipsi)."""

Row = Mapping[str, Any]
_KEY = ("feature", "region", "lesion_policy")


def compared_rows(
    rows: Sequence[Row], measured: Sequence[Row], lesion_side: str | None
) -> list[dict[str, Any]]:
    """Return the rows that compare the hemispheres, with their values.

    Parameters
    ----------
    rows : sequence of mapping
        As `RegionGrid.ratio_rows` gives them.
    measured : sequence of mapping
        Rows of each hemisphere, with values or reasons.
    lesion_side : str or None
        Side of the lesion.

    Returns
    -------
    list of dict
        Not applicable where the lesion has no single side.
    """
    known = {(*(row[name] for name in _KEY), row["statistic"], row["side"]): row for row in measured}
    found = []
    for row in rows:
        if lesion_side in HEMISPHERES:
            pair = [
                known[(*(row[name] for name in _KEY), row["of"], side)]
                for side in ("ipsilesional", "contralesional")
            ]
            found.append({**row, **_compared(row["statistic"], *pair)})
        else:
            found.append({**row, **_one_sided(lesion_side)})
    return found


def _one_sided(lesion_side: str | None) -> dict[str, Any]:
    words = {"both": "the lesion is on both sides", "none": "there is no lesion"}
    reason = words.get(lesion_side or "", "the side of the lesion is not known")
    nothing = dict.fromkeys(("n", "coverage", "lesion_fraction"), np.nan)
    return {**nothing, "status": "not_applicable", "reason": reason}


def _compared(statistic: str, ipsi: Row, contra: Row) -> dict[str, Any]:
    found = {
        "n": min(ipsi["n"], contra["n"]),
        "coverage": float(np.minimum(ipsi["coverage"], contra["coverage"])),
        "lesion_fraction": ipsi["lesion_fraction"],
    }
    for row in (ipsi, contra):
        if np.isnan(row["value"]):
            return {**found, "status": row["status"], "reason": f"{row['side']}: {row['reason']}"}
    if min(ipsi["value"], contra["value"]) <= 0:
        return {**found, "status": "not_applicable", "reason": "a mean is not positive"}
    value = COMPARISONS[statistic](ipsi["value"], contra["value"])
    return {**found, "value": value, "status": ipsi["status"], "reason": ipsi["reason"]}
