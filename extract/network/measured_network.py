"""The network of one scan as measures see it: correlations of the nodes that are left, and where each node belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.network.cutting import cut_absolute, cut_proportional, positive_weights
from neurotrial.extract.network.edge_kinds import fisher_z
from neurotrial.extract.sides import HEMISPHERES, hemisphere_side

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FEWEST_NODES", "MeasuredNetwork", "Unmeasured", "crossed_hemisphere"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]
FEWEST_NODES = 2
"""Nodes that an edge needs."""


class Unmeasured(Exception):  # noqa: N818 - a state, not an error
    """A measure has no value in a scan.

    Parameters
    ----------
    status, reason : str
        As in the table `features`.
    """

    def __init__(self, status: str, reason: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(reason)


def crossed_hemisphere(hemisphere: str, *, crossed: bool) -> str:
    """Return the hemisphere that a node counts in where the cerebellum crosses."""
    if not crossed or hemisphere not in HEMISPHERES:
        return hemisphere
    return HEMISPHERES[1 - HEMISPHERES.index(hemisphere)]


@dataclass(frozen=True, eq=False)
class MeasuredNetwork:
    """Correlations of a scan and the places of its nodes.

    Attributes
    ----------
    r : ndarray, shape (n, n)
        Correlations of the nodes that are left.
    nodes : DataFrame
        These nodes: node, pair, hemisphere, crossed.
    lesion_side : str or None
        Side of the lesion.
    thresholds, densities : sequence of float
        Where the network is cut.
    common_r : ndarray of shape (n, n), or None
        Correlations from a number of volumes that is the same for every scan.
    common_reason : str
        Why there are none.
    effective_df : float
        Effective number of independent volumes.
    """

    r: FloatArray
    nodes: pd.DataFrame
    lesion_side: str | None
    thresholds: Sequence[float] = ()
    densities: Sequence[float] = ()
    common_r: FloatArray | None = None
    common_reason: str = ""
    effective_df: float = float("nan")
    curves: dict[tuple[str, str], FloatArray] = field(default_factory=dict, repr=False)
    """Measures at every cut, by feature and definition, as they are found."""

    @cached_property
    def z(self) -> FloatArray:
        """Fisher's z of the correlations."""
        return fisher_z(self.r)

    @cached_property
    def weights(self) -> FloatArray:
        """Positive part of the correlations."""
        self.need_nodes()
        return positive_weights(self.r)

    def cut(self, way: str) -> FloatArray:
        """Return the network at each cut, ``absolute`` or ``proportional``, shape (cuts, n, n)."""
        return self._absolute if way == "absolute" else self._proportional

    @cached_property
    def _absolute(self) -> FloatArray:
        return cut_absolute(self.weights, self.thresholds)

    @cached_property
    def _proportional(self) -> FloatArray:
        return cut_proportional(self.weights, self.densities)

    def need_nodes(self) -> None:
        """Make sure that there is an edge."""
        if len(self.r) < FEWEST_NODES:
            raise Unmeasured("low_coverage", "fewer than two nodes are left")

    def members(self, hemisphere: str, *, crossed: bool = False) -> IntArray:
        """Return the nodes of a hemisphere."""
        own = self.nodes["hemisphere"].astype("str")
        if crossed:
            own = own.combine(
                self.nodes["crossed"], lambda name, flag: crossed_hemisphere(name, crossed=flag)
            )
        return np.flatnonzero((own == hemisphere).to_numpy())

    def side_members(self, side: str, *, crossed: bool = False) -> IntArray:
        """Return the nodes of a side of the lesion.

        Raises
        ------
        Unmeasured
            If the lesion has no single side.
        """
        if self.lesion_side not in HEMISPHERES:
            raise Unmeasured("not_applicable", "the lesion has no single side")
        hemisphere = next(name for name in HEMISPHERES if hemisphere_side(name, self.lesion_side) == side)
        return self.members(hemisphere, crossed=crossed)

    def pairs(self) -> list[tuple[int, int]]:
        """Return the left and the right node of each pair that has both."""
        return [own for own in map(self.pair, self.nodes["pair"].dropna().unique()) if own is not None]

    def pair(self, name: str) -> tuple[int, int] | None:
        """Return the left and the right node of a pair, None where one is not there."""
        same = (self.nodes["pair"] == name).fillna(value=False).to_numpy(dtype=bool)
        ends = [
            np.flatnonzero(same & (self.nodes["hemisphere"] == side).to_numpy(dtype=bool))
            for side in HEMISPHERES
        ]
        return (int(ends[0][0]), int(ends[1][0])) if all(len(own) for own in ends) else None
