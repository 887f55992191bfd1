"""The network of a scan: edges, strengths by hemisphere, global efficiency and density."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.sides import HEMISPHERES, feature_sides, hemisphere_side

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.cleaning.cleaned import Cleaned
    from neurotrial.imaging_plan import ImagingPlan

__all__ = [
    "FEWEST_NODES",
    "correlations",
    "density",
    "edge_rows",
    "expected_network_rows",
    "fisher_z",
    "global_efficiency",
    "network_features",
    "network_rows",
]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

NETWORK = "motor12"
KIND = "pearson"
_LARGEST_R = 1 - 1e-7
FEWEST_NODES = 2
"""Nodes that an edge needs."""


def expected_network_rows(plan: ImagingPlan) -> list[dict[str, Any]]:
    """Return the feature rows that every BOLD scan has, without values; hemispheres follow from the side of the lesion."""
    shared = {
        "region": NETWORK, "statistic": "mean", "method": f"spheres_{KIND}_{plan.cleaning.strategy}",
        "lesion_policy": "not_applicable", "threshold": np.nan, "value": np.nan,
    }  # fmt: skip
    strength = {**shared, "feature": "strength", "unit": "Fisher z"}
    whole = {**shared, "hemisphere": "both", "side": "bilateral"}
    return [
        {**strength, "hemisphere": "both", "side": "inter"},
        {**strength, "hemisphere": "?", "side": "ipsilesional"},
        {**strength, "hemisphere": "?", "side": "contralesional"},
        {**whole, "feature": "global_efficiency", "unit": "efficiency"},
        {
            **whole,
            "feature": "density",
            "unit": "share of edges",
            "threshold": plan.network.density_threshold,
        },
    ]


def correlations(series: FloatArray) -> FloatArray:
    """Return Pearson correlations without shrinkage, with ones on the diagonal, shape (nodes, nodes)."""
    return np.asarray(np.corrcoef(series, rowvar=False), dtype="float64")


def fisher_z(r: FloatArray) -> FloatArray:
    """Return Fisher's z of correlations, which are kept 1e-7 away from -1 and 1."""
    return np.asarray(np.arctanh(np.clip(r, -_LARGEST_R, _LARGEST_R)))


def global_efficiency(r: FloatArray) -> float:
    """Return the weighted global efficiency: the mean inverse length of the shortest path between two nodes.

    Parameters
    ----------
    r : ndarray, shape (nodes, nodes)
        Correlations. Weights are their positive part, the length of an edge is the inverse of its weight, and pairs
        without a path count 0.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    Latora V, Marchiori M. Phys Rev Lett 2001;87:198701. https://doi.org/10.1103/PhysRevLett.87.198701
    """
    from scipy.sparse.csgraph import shortest_path

    weights = np.maximum(r, 0.0)
    np.fill_diagonal(weights, 0.0)
    lengths = np.divide(1.0, weights, out=np.full_like(weights, np.inf), where=weights > 0)
    distances = shortest_path(lengths, method="FW", directed=False)
    pairs = ~np.eye(len(r), dtype=bool)
    return float((1 / distances[pairs]).mean())


def density(r: FloatArray, threshold: float) -> float:
    """Return the share of node pairs whose correlation is at least a threshold."""
    return float((r[np.triu_indices(len(r), 1)] >= threshold).mean())


def edge_rows(
    r: FloatArray, nodes: pd.DataFrame, lesion_side: str | None, cleaned: Cleaned, strategy: str
) -> pd.DataFrame:
    """Return the edges of a scan, each once.

    Parameters
    ----------
    r : ndarray, shape (nodes, nodes)
        Correlations.
    nodes : DataFrame
        The nodes that entered: node, pair, hemisphere.
    lesion_side : str or None
        Side of the lesion; without a single one, edges within a hemisphere have no class.
    cleaned : Cleaned
        Volumes and degrees of freedom behind the correlations.
    strategy : str
        Cleaning strategy.
    """
    import pandas as pd

    i, j = np.triu_indices(len(nodes), 1)
    first, second = nodes.iloc[i].reset_index(drop=True), nodes.iloc[j].reset_index(drop=True)
    return pd.DataFrame({
        "node_i": first["node"],
        "node_j": second["node"],
        "class": [
            _edge_class(*ends, lesion_side)
            for ends in zip(first["hemisphere"], second["hemisphere"], first["pair"], second["pair"], strict=True)
        ],
        "kind": KIND,
        "strategy": strategy,
        "r": r[i, j],
        "z": fisher_z(r[i, j]),
        "n_volumes": cleaned.n_volumes,
        "effective_df": cleaned.effective_df,
        "lag_s": np.nan,
    })  # fmt: skip


def _edge_class(
    hemisphere_i: str, hemisphere_j: str, pair_i: str, pair_j: str, lesion_side: str | None
) -> str | None:
    if hemisphere_i != hemisphere_j:
        return "homotopic" if pair_i == pair_j else "interhemispheric"
    side = hemisphere_side(hemisphere_i, lesion_side)
    return None if side == "none" else side


def network_rows(
    cleaned: Cleaned, nodes: pd.DataFrame, lesion_side: str | None, plan: ImagingPlan
) -> list[dict[str, Any]]:
    """Return the values of the network's features, in the order of `expected_network_rows`.

    Parameters
    ----------
    cleaned : Cleaned
        Series of the nodes that entered.
    nodes : DataFrame
        These nodes: node, pair, hemisphere.
    lesion_side : str or None
        Side of the lesion.
    plan : ImagingPlan
        Threshold of the density and its number of volumes.

    Returns
    -------
    list of dict
        value, n (edges), status and reason of each feature.
    """
    r = correlations(cleaned.series)
    z = fisher_z(r)
    common = plan.cleaning.common_volumes
    inside = {side: _members(nodes, lesion_side, side) for side in ("ipsilesional", "contralesional")}
    left, right = (np.flatnonzero(nodes["hemisphere"] == name) for name in HEMISPHERES)
    rows = [_mean(z[np.ix_(left, right)].ravel())]
    for members in inside.values():
        within = z[np.ix_(members, members)][np.triu_indices(len(members), 1)]
        rows.append(
            _mean(within)
            if lesion_side in HEMISPHERES
            else _state("not_applicable", "the lesion has no single side")
        )
    if len(nodes) < FEWEST_NODES:
        return [*rows, *[_state("low_coverage", "fewer than two nodes are left")] * 2]
    edges = len(nodes) * (len(nodes) - 1) // 2
    rows.append({"value": global_efficiency(r), "n": edges, "status": "ok", "reason": None})
    if cleaned.n_volumes < common:
        reason = f"{cleaned.n_volumes} volumes are left, the common number is {common}"
        return [*rows, _state("low_coverage", reason)]
    first = correlations(cleaned.series[:common])
    value = density(first, plan.network.density_threshold)
    return [*rows, {"value": value, "n": edges, "status": "ok", "reason": None}]


def network_features(
    cleaned: Cleaned, nodes: pd.DataFrame, lesion_side: str | None, plan: ImagingPlan, note: str = ""
) -> pd.DataFrame:
    """Return the feature rows of a BOLD scan, without its identity.

    Parameters
    ----------
    cleaned, nodes, lesion_side, plan
        As for `network_rows`.
    note : str
        What makes every value of the scan worth a look; flags it.
    """
    import pandas as pd

    values = network_rows(cleaned, nodes, lesion_side, plan)
    rows = [expected | found for expected, found in zip(expected_network_rows(plan), values, strict=True)]
    for row in rows:
        if note and row["status"] == "ok":
            row |= {"status": "flagged", "reason": note}
    return feature_sides(pd.DataFrame(rows), lesion_side)


def _members(nodes: pd.DataFrame, lesion_side: str | None, side: str) -> Any:
    sides = [hemisphere_side(hemisphere, lesion_side) for hemisphere in nodes["hemisphere"]]
    return np.flatnonzero(np.array(sides) == side)


def _mean(z: FloatArray) -> dict[str, Any]:
    if not z.size:
        return _state("low_coverage", "no edge is left")
    return {"value": float(z.mean()), "n": int(z.size), "status": "ok", "reason": None}


def _state(status: str, reason: str) -> dict[str, Any]:
    return {"value": np.nan, "n": 0, "status": status, "reason": reason}
