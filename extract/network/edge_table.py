"""Rows of the table `edges` of one scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.network.edge_kinds import fisher_z
from neurotrial.extract.sides import HEMISPHERES, hemisphere_side

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.network.measured_network import FloatArray

__all__ = ["edge_rows"]


def edge_rows(
    r: FloatArray,
    nodes: pd.DataFrame,
    lesion_side: str | None,
    *,
    lags: FloatArray | None = None,
    **same: Any,
) -> pd.DataFrame:
    """Return the edges of a scan, each once.

    Parameters
    ----------
    r : ndarray, shape (n_nodes, n_nodes)
        Correlations; edges of lost nodes, whose rows are not finite, are left out.
    nodes : DataFrame
        The nodes: node, pair, hemisphere.
    lesion_side : str or None
        Side of the lesion; without a single one, edges within a hemisphere have no class.
    lags : ndarray, shape (n_nodes,), optional
        Lag of each node in s; an edge has the lag of its second node less that of its first.
    **same
        Columns that are the same for every edge: node_set, kind, strategy, n_volumes, effective_df.
    """
    import pandas as pd

    i, j = np.triu_indices(len(nodes), 1)
    left = np.isfinite(r[i, j])
    i, j = i[left], j[left]
    first, second = nodes.iloc[i].reset_index(drop=True), nodes.iloc[j].reset_index(drop=True)
    ends = zip(first["hemisphere"], second["hemisphere"], first["pair"], second["pair"], strict=True)
    return pd.DataFrame({
        "node_i": first["node"],
        "node_j": second["node"],
        "class": [_edge_class(*own, lesion_side) for own in ends],
        "r": r[i, j],
        "z": fisher_z(r[i, j]),
        "lag_s": np.full(len(i), np.nan) if lags is None else lags[j] - lags[i],
    }).assign(**same)  # fmt: skip


def _edge_class(
    hemisphere_i: str, hemisphere_j: str, pair_i: Any, pair_j: Any, lesion_side: str | None
) -> str | None:
    if not {hemisphere_i, hemisphere_j} <= set(HEMISPHERES):
        return None
    if hemisphere_i != hemisphere_j:
        paired = isinstance(pair_i, str) and pair_i == pair_j
        return "homotopic" if paired else "interhemispheric"
    side = hemisphere_side(hemisphere_i, lesion_side)
    return None if side == "none" else side
