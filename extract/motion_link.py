"""How far motion still shows in connections: quality-control functional-connectivity correlations (QC-FC)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["motion_connectivity"]

_SCAN = ["participant_id", "visit", "run"]
_NETWORK = ["visit", "node_set", "kind", "strategy"]
_FEWEST_SCANS = 8
_BETWEEN = ("homotopic", "interhemispheric")


def motion_connectivity(edges: pd.DataFrame, quality: pd.DataFrame, nodes: pd.DataFrame) -> pd.DataFrame:
    """Correlate mean framewise displacement with each connection over scans.

    Parameters
    ----------
    edges, quality, nodes : DataFrame
        The tables of these names; scans are told apart by participant, visit and run, and arms play no part.

    Returns
    -------
    DataFrame
        One row for each visit, set of nodes, kind of edges, strategy and group of edges (all, between or within the
        hemispheres) of at least 8 scans: ``n_scans``, ``n_edges``, ``median_abs_r`` over edges, ``share_significant`` (two-sided,
        level 0.05, which is the share that chance gives) and ``distance_rho``, Spearman's correlation over edges of the
        distance between the nodes with the correlation [1]_. Of several runs of a visit the first counts.

    References
    ----------
    .. [1] Ciric R et al. NeuroImage 2017;154:174-187. https://doi.org/10.1016/j.neuroimage.2017.03.020
    """
    import pandas as pd

    displacement = quality[(quality["modality"] == "bold") & (quality["measure"] == "fd_mean")]
    known = edges.merge(displacement[[*_SCAN, "value"]], on=_SCAN).sort_values("run", kind="stable")
    places = nodes.drop_duplicates(["node_set", "node"]).set_index(["node_set", "node"])[["x", "y", "z"]]
    rows: list[dict[str, Any]] = []
    for network, own in known.groupby(_NETWORK, dropna=False, sort=False):
        rows += _network_rows(dict(zip(_NETWORK, network, strict=True)), own, places)
    return pd.DataFrame(rows)


def _network_rows(network: dict[str, Any], own: pd.DataFrame, places: pd.DataFrame) -> list[dict[str, Any]]:
    pair = ["node_i", "node_j"]
    once = own.drop_duplicates(["participant_id", *pair])
    z = once.pivot_table(index="participant_id", columns=pair, values="z")
    z = z.dropna(axis=1, thresh=_FEWEST_SCANS)
    if len(z) < _FEWEST_SCANS or z.empty:
        return []
    motion = once.drop_duplicates("participant_id").set_index("participant_id")["value"].reindex(z.index)
    linked = [_correlation(z[edge].to_numpy(), motion.to_numpy()) for edge in z]
    r, p = np.array(linked).T
    ends = [
        places.reindex([(network["node_set"], name) for name in z.columns.get_level_values(k)]) for k in pair
    ]
    distance = np.linalg.norm(ends[0].to_numpy() - ends[1].to_numpy(), axis=1)
    classes = once.drop_duplicates(pair).set_index(pair)["class"].reindex(z.columns)
    between = classes.isin(_BETWEEN).to_numpy()
    groups = {"all": np.ones(len(r), dtype=bool), "between": between, "within": ~between}
    return [
        {
            **network, "edges": name, "n_scans": len(z), "n_edges": int(chosen.sum()),
            "median_abs_r": float(np.median(np.abs(r[chosen]))), "share_significant": float((p[chosen] < 0.05).mean()),  # noqa: PLR2004 - the usual level
            "distance_rho": _rank_correlation(distance[chosen], r[chosen]),
        }
        for name, chosen in groups.items()
        if chosen.any()
    ]  # fmt: skip


def _correlation(z: Any, motion: Any) -> tuple[float, float]:
    from scipy.stats import pearsonr

    there = np.isfinite(z) & np.isfinite(motion)
    if there.sum() < _FEWEST_SCANS or not np.ptp(z[there]) or not np.ptp(motion[there]):
        return float("nan"), float("nan")
    found = pearsonr(z[there], motion[there])
    return float(found.statistic), float(found.pvalue)


def _rank_correlation(distance: Any, r: Any) -> float:
    from scipy.stats import spearmanr

    there = np.isfinite(distance) & np.isfinite(r)
    if there.sum() < _FEWEST_SCANS or not np.ptp(distance[there]) or not np.ptp(r[there]):
        return float("nan")
    return float(spearmanr(distance[there], r[there]).statistic)
