"""Every measure of the network that a plan asks for, as a row of the grid with the function that gives its value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.network.cutting import n_components, significant_share
from neurotrial.extract.network.efficiency import global_efficiencies, local_efficiencies
from neurotrial.extract.network.measured_network import Unmeasured
from neurotrial.extract.network.strengths import (
    edge_strength,
    homotopic,
    laterality,
    node_strength,
    strength,
)
from neurotrial.extract.sides import HEMISPHERES

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.network.measured_network import FloatArray, MeasuredNetwork
    from neurotrial.extract.network.strengths import Found

__all__ = ["Cuts", "Measure", "network_measures"]

_Z, _SHARE, _EFFICIENCY = "Fisher z", "share of edges", "efficiency"
_SIDES = ("inter", "ipsilesional", "contralesional")
_SECONDARY = "depends on the number of volumes by design: secondary"
_EFFICIENCIES = {"global_efficiency": global_efficiencies, "local_efficiency": local_efficiencies}


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where a network is cut.

    Attributes
    ----------
    thresholds : tuple of float
        Correlations.
    densities : tuple of float
        Shares of edges.
    significance : float or None
        False discovery rate of a density of significant edges; None makes none.
    """

    thresholds: tuple[float, ...] = (0.1, 0.2, 0.3)
    densities: tuple[float, ...] = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
    significance: float | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of the network.

    Attributes
    ----------
    feature, definition, region, hemisphere, side, unit, statistic, threshold
        As in the table `features`; `region` is None for that of the whole network.
    value : callable
        Gives the value and the number of edges behind it.
    secondary : str
        Why every value of it is flagged; empty where none is.
    """

    feature: str
    definition: str
    side: str
    unit: str
    value: Callable[[MeasuredNetwork], Found]
    region: str | None = None
    hemisphere: str = "?"
    statistic: str = "mean"
    threshold: float = float("nan")
    secondary: str = ""


def network_measures(nodes: pd.DataFrame, cuts: Cuts, *, primary: float | None = None) -> list[Measure]:
    """Return the measures of a network, whatever becomes of its nodes in a scan.

    Parameters
    ----------
    nodes : DataFrame
        All nodes that are wanted: node, pair, hemisphere.
    cuts : Cuts
        Where the network is cut.
    primary : float, optional
        A correlation: only strengths of all pairs, the weighted global efficiency and the density from it on are returned.
    """
    if primary is not None:
        weighted = _whole(
            "global_efficiency", "weighted", _EFFICIENCY, partial(_weighted, global_efficiencies)
        )
        whole, *_ = _densities(Cuts((primary,)))
        return [*_strengths("all_pairs", ""), weighted, whole]
    return [
        *_every_strength(nodes), *_densities(cuts), *_efficiencies(cuts), *_components(cuts),
    ]  # fmt: skip


def _whole(feature: str, definition: str, unit: str, value: Any, **more: Any) -> Measure:
    return Measure(feature, definition, "bilateral", unit, value, hemisphere="both", **more)


def _strengths(definition: str, part: str, *, crossed: bool = False) -> Iterator[Measure]:
    for side in _SIDES:
        value = partial(strength, side=side, part=part, crossed=crossed)
        hemisphere = "both" if side == "inter" else "?"
        yield Measure("strength", definition, side, _Z, value, hemisphere=hemisphere)


def _every_strength(nodes: pd.DataFrame) -> Iterator[Measure]:
    yield from _strengths("all_pairs", "")
    yield Measure("strength", "homotopic", "inter", _Z, homotopic, hemisphere="both")
    yield from _strengths("all_pairs_positive", "_positive")
    yield from _strengths("all_pairs_negative", "_negative")
    yield from _strengths("all_pairs_crossed", "", crossed=True)
    for pair in nodes["pair"].dropna().unique():
        value = partial(edge_strength, pair=str(pair))
        yield Measure("strength", "edge", "inter", _Z, value, region=f"{pair}_{pair}", hemisphere="both")
    yield _whole("laterality", "all_pairs", _Z, laterality)
    yield _whole("laterality", "all_pairs_crossed", _Z, partial(laterality, crossed=True))
    for row in nodes.astype("object").to_dict("records"):
        region = str(row["pair"] if isinstance(row["pair"], str) else row["node"])
        paired = row["hemisphere"] in HEMISPHERES
        for part in ("positive", "negative"):
            value = partial(node_strength, node=str(row["node"]), part=f"_{part}")
            yield Measure(
                "node_strength", part, "?" if paired else "none", _Z, value, region=region,
                hemisphere=str(row["hemisphere"]),
            )  # fmt: skip


def _densities(cuts: Cuts) -> Iterator[Measure]:
    for threshold in cuts.thresholds:
        yield _whole(
            "density", "absolute", _SHARE, partial(_share, side="bilateral", threshold=threshold),
            threshold=threshold,
        )  # fmt: skip
        for side in _SIDES:
            value = partial(_share, side=side, threshold=threshold)
            hemisphere = "both" if side == "inter" else "?"
            yield Measure(
                "density", "absolute", side, _SHARE, value, hemisphere=hemisphere, threshold=threshold
            )
    if cuts.significance is not None:
        value = partial(_significant, rate=cuts.significance)
        yield _whole(
            "density", "significance", _SHARE, value, threshold=cuts.significance, secondary=_SECONDARY
        )


def _share(network: MeasuredNetwork, side: str, threshold: float) -> Found:
    """Return the share of pairs from a correlation on, by the common number of volumes."""
    network.need_nodes()
    if network.common_r is None:
        raise Unmeasured("low_coverage", network.common_reason)
    if side == "inter":
        own = network.common_r[np.ix_(*(network.members(name) for name in HEMISPHERES))].ravel()
    else:
        members = np.arange(len(network.r)) if side == "bilateral" else network.side_members(side)
        own = network.common_r[np.ix_(members, members)][np.triu_indices(len(members), 1)]
    if not own.size:
        raise Unmeasured("low_coverage", "no edge is left")
    return float((own >= threshold).mean()), int(own.size)


def _significant(network: MeasuredNetwork, rate: float) -> Found:
    network.need_nodes()
    if not network.effective_df > 3:  # noqa: PLR2004 - the variance of z is 1/(df - 3)
        raise Unmeasured("low_coverage", "too few effective degrees of freedom are left")
    return significant_share(network.r, network.effective_df, rate), _n_edges(network)


def _efficiencies(cuts: Cuts) -> Iterator[Measure]:
    for feature, measure in _EFFICIENCIES.items():
        yield _whole(feature, "weighted", _EFFICIENCY, partial(_weighted, measure))
        for kind in ("binary", "weighted"):
            for way, where in (("absolute", cuts.thresholds), ("proportional", cuts.densities)):
                definition = f"{kind}_{way}"
                for place, threshold in enumerate(where):
                    value = partial(_swept, feature=feature, definition=definition, place=place)
                    yield _whole(feature, definition, _EFFICIENCY, value, threshold=threshold)
                if way == "proportional" and len(where) > 1:
                    value = partial(_area, feature=feature, definition=definition)
                    yield _whole(feature, definition, _EFFICIENCY, value, statistic="auc")


def _weighted(measure: Callable[[FloatArray], FloatArray], network: MeasuredNetwork) -> Found:
    return float(measure(network.weights[None])[0]), _n_edges(network)


def _swept(network: MeasuredNetwork, feature: str, definition: str, place: int) -> Found:
    stack = network.cut(definition.partition("_")[2])
    return float(_curve(network, feature, definition)[place]), int((stack[place] > 0).sum() // 2)


def _area(network: MeasuredNetwork, feature: str, definition: str) -> Found:
    """Return the mean height of the curve over the shares of edges: its area by trapezoids over their range."""
    values, where = _curve(network, feature, definition), np.asarray(network.densities)
    return float(np.trapezoid(values, where) / (where[-1] - where[0])), _n_edges(network)


def _curve(network: MeasuredNetwork, feature: str, definition: str) -> FloatArray:
    """Return a measure at every cut of one kind; all are measured at once, and kept with the network."""
    if (feature, definition) not in network.curves:
        kind, _, way = definition.partition("_")
        stack = network.cut(way)
        network.curves[feature, definition] = _EFFICIENCIES[feature](
            np.sign(stack) if kind == "binary" else stack
        )
    return network.curves[feature, definition]


def _components(cuts: Cuts) -> Iterator[Measure]:
    for way, where in (("absolute", cuts.thresholds), ("proportional", cuts.densities)):
        for place, threshold in enumerate(where):
            value = partial(_pieces, way=way, place=place)
            yield _whole("n_components", way, "components", value, threshold=threshold)


def _pieces(network: MeasuredNetwork, way: str, place: int) -> Found:
    stack = network.cut(way)
    return float(n_components(stack[place])), int((stack[place] > 0).sum() // 2)


def _n_edges(network: MeasuredNetwork) -> int:
    return len(network.r) * (len(network.r) - 1) // 2
