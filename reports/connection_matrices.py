"""Connections of the motor network as matrices: mean Fisher z by arm and visit, ipsilesional nodes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.reports.number_format import is_missing

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow

__all__ = ["SIDES", "Matrix", "connectivity_matrices", "pair_label"]

SIDES = ("ipsilesional", "contralesional")
"""The blocks of a matrix, in their order."""

_LABELS: Mapping[str, str] = MappingProxyType(
    {"m1": "M1", "s1": "S1", "sma": "SMA", "pmd": "PMd", "pmv": "PMv", "cerebellum": "CB"}
)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Mean Fisher z between the nodes of an arm at a visit.

    Attributes
    ----------
    arm, visit : str
        Names of the study file.
    z : ndarray, shape (n_nodes, n_nodes)
        Symmetric; the ipsilesional nodes first, NaN on the diagonal and where no participant has a value.
    counts : tuple of int
        Fewest and most participants behind an edge.
    """

    arm: str
    visit: str
    z: np.ndarray[Any, np.dtype[np.float64]]
    counts: tuple[int, int]

    @property
    def n(self) -> str:
        """The participants, or fewest and most of them, as words."""
        low, high = self.counts
        return f"n = {low}" if low == high else f"n = {low} to {high}, by edge"

    def between(self) -> float:
        """Return the mean over the edges between the hemispheres; NaN if there are none."""
        half = len(self.z) // 2
        return _mean(self.z[:half, half:])

    def within(self, side: int) -> float:
        """Return the mean over the edges within the ipsilesional (0) or contralesional (1) hemisphere."""
        half = len(self.z) // 2
        block = self.z[half * side : half * (side + 1), half * side : half * (side + 1)]
        return _mean(block[np.triu_indices(half, 1)])


def pair_label(pair: str) -> str:
    """Return the abbreviation of a homotopic pair; one without an abbreviation by its name."""
    return _LABELS.get(pair, pair)


def connectivity_matrices(data: CitedResults) -> tuple[list[str], dict[tuple[str, str], Matrix]]:
    """Return the homotopic pairs in their order, and the matrix of each arm and visit that has one.

    Parameters
    ----------
    data : CitedResults
        Results of a fit; of several populations the first one is taken.

    Returns
    -------
    list of str
        Pairs.
    dict of (str, str) to Matrix
        By arm and visit, in the order of the study file.
    """
    rows = data.rows("connectivity")
    rows = [row for row in rows if row.values["population"] == rows[0].values["population"]]
    pairs = _ordered({row.values[name] for row in rows for name in ("pair_i", "pair_j")})
    places = {node: i for i, node in enumerate((side, pair) for side in SIDES for pair in pairs)}
    grouped: dict[tuple[str, str], list[CitedRow]] = {}
    for arm in data.study.arms:
        for visit in data.study.visits:
            own = [row for row in rows if (row.values["arm"], row.values["visit"]) == (arm.name, visit.name)]
            if own:
                grouped[arm.name, visit.name] = own
    return pairs, {where: _matrix(where, own, places) for where, own in grouped.items()}


def _ordered(pairs: Iterable[str]) -> list[str]:
    known = list(_LABELS)
    return sorted(pairs, key=lambda pair: (known.index(pair) if pair in known else len(known), pair))


def _matrix(where: tuple[str, str], rows: list[CitedRow], places: dict[tuple[str, str], int]) -> Matrix:
    z = np.full((len(places), len(places)), np.nan)
    for row in rows:
        i, j = (places[row.values[f"side_{end}"], row.values[f"pair_{end}"]] for end in "ij")
        z[i, j] = z[j, i] = np.nan if is_missing(row["mean_z"]) else float(row["mean_z"])
    counts = [int(row["n"]) for row in rows]
    return Matrix(*where, z, (min(counts), max(counts)))


def _mean(z: np.ndarray[Any, Any]) -> float:
    values = z[~np.isnan(z)]
    return float(values.mean()) if len(values) else float("nan")
