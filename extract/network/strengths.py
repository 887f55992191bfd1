"""Strength of connections: mean Fisher z between and within the hemispheres, of pairs, and of nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.network.measured_network import Unmeasured
from neurotrial.extract.sides import HEMISPHERES

if TYPE_CHECKING:
    from neurotrial.extract.network.measured_network import FloatArray, MeasuredNetwork

__all__ = ["PARTS", "Found", "edge_strength", "homotopic", "laterality", "node_strength", "strength"]

Found = tuple[float, int]
"""A value, and the edges behind it."""

PARTS: dict[str, Callable[[Any], Any]] = {
    "": lambda z: z,
    "_positive": lambda z: np.maximum(z, 0.0),
    "_negative": lambda z: np.minimum(z, 0.0),
}
"""What enters a mean: every z, its positive part, its negative part."""


def strength(network: MeasuredNetwork, side: str, part: str = "", *, crossed: bool = False) -> Found:
    """Return the mean z over all pairs of nodes of a side, or between the hemispheres.

    Parameters
    ----------
    network : MeasuredNetwork
        The network.
    side : {"inter", "ipsilesional", "contralesional"}
        Which pairs.
    part : str
        A key of `PARTS`.
    crossed : bool
        Whether the cerebellum counts with the opposite hemisphere.
    """
    return _mean(PARTS[part](_edges(network, side, crossed=crossed)))


def homotopic(network: MeasuredNetwork) -> Found:
    """Return the mean z over the pairs of a node and its counterpart."""
    return _mean(np.array([network.z[ends] for ends in network.pairs()]))


def edge_strength(network: MeasuredNetwork, pair: str) -> Found:
    """Return z between a node and its counterpart."""
    ends = network.pair(pair)
    if ends is None:
        raise Unmeasured("low_coverage", f"a node of {pair} is lost")
    return float(network.z[ends]), 1


def laterality(network: MeasuredNetwork, *, crossed: bool = False) -> Found:
    """Return the ipsilesional less the contralesional strength; a difference, because z may be 0 or less."""
    (ipsi, n), (contra, m) = (
        strength(network, side, crossed=crossed) for side in ("ipsilesional", "contralesional")
    )
    return ipsi - contra, n + m


def node_strength(network: MeasuredNetwork, node: str, part: str) -> Found:
    """Return the sum of a node's z to all others, of one sign."""
    own = np.flatnonzero((network.nodes["node"] == node).to_numpy(dtype=bool))
    if not own.size:
        raise Unmeasured("low_coverage", f"the node {node} is lost")
    others = np.delete(network.z[own[0]], own[0])
    if not others.size:
        raise Unmeasured("low_coverage", "no edge is left")
    return float(PARTS[part](others).sum()), len(others)


def _edges(network: MeasuredNetwork, side: str, *, crossed: bool) -> FloatArray:
    if side == "inter":
        left, right = (network.members(name, crossed=crossed) for name in HEMISPHERES)
        return network.z[np.ix_(left, right)].ravel()
    own = network.side_members(side, crossed=crossed)
    return np.asarray(network.z[np.ix_(own, own)][np.triu_indices(len(own), 1)])


def _mean(values: FloatArray) -> Found:
    if not values.size:
        raise Unmeasured("low_coverage", "no edge is left")
    return float(values.mean()), int(values.size)
