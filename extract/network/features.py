"""Feature rows of the network of one scan, on a grid that does not depend on what became of its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.network.measured_network import MeasuredNetwork, Unmeasured
from neurotrial.extract.network.measures import Cuts, Measure, network_measures
from neurotrial.extract.sides import feature_sides

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.network.measured_network import FloatArray

__all__ = ["NETWORK", "Labels", "expected_network_rows", "network_features"]

NETWORK = "motor12"
_COLUMNS = (
    "feature", "definition", "region", "hemisphere", "side", "statistic", "method", "lesion_policy", "threshold",
    "value", "unit", "n", "status", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Labels:
    """What the rows of one network say of themselves.

    Attributes
    ----------
    method : str
        Nodes, kind of edges and cleaning, e.g. ``spheres_pearson_24p``.
    lesion_policy : str
        What was done with lesioned voxels.
    region : str
        Name of the network.
    """

    method: str = "spheres_pearson_24p"
    lesion_policy: str = "not_applicable"
    region: str = NETWORK


def expected_network_rows(measures: Sequence[Measure], labels: Labels) -> list[dict[str, Any]]:
    """Return the rows of a network without values, status and reason; ``?`` where a side or hemisphere follows from the lesion."""
    return [
        {
            "feature": item.feature, "definition": item.definition, "region": item.region or labels.region,
            "hemisphere": item.hemisphere, "side": item.side, "statistic": item.statistic, "method": labels.method,
            "lesion_policy": labels.lesion_policy, "threshold": item.threshold, "value": np.nan, "unit": item.unit,
        }
        for item in measures
    ]  # fmt: skip


def network_features(
    edges: FloatArray,
    nodes: pd.DataFrame,
    lesion_side: str | None,
    *,
    cuts: Cuts | None = None,
    measures: Sequence[Measure] | None = None,
    common_edges: FloatArray | None = None,
    common_reason: str = "no correlations from a common number of volumes were given",
    effective_df: float = float("nan"),
    labels: Labels | None = None,
    note: str = "",
) -> pd.DataFrame:
    """Measure the network of a scan.

    Parameters
    ----------
    edges : ndarray, shape (n_nodes, n_nodes)
        Correlations, as `neurotrial.extract.edges` gives them; nodes whose rows are not finite are lost, and the network
        shrinks by them.
    nodes : DataFrame
        The nodes in the order of the matrix: node, pair (missing without a counterpart), hemisphere (left, right, none), and
        crossed (bool) where there are crossed ones.
    lesion_side : {"left", "right", "both", "none"} or None
        Side of the lesion; without a single one there is no ipsilesional side.
    cuts : Cuts, optional
        Where the network is cut, and the rate of a significance threshold.
    measures : sequence of Measure, optional
        What is measured, in place of everything that `cuts` asks for.
    common_edges : ndarray, shape (n_nodes, n_nodes), optional
        Correlations from the first retained volumes, as many in every scan, from which density is made. Both kinds of
        threshold drift with the number of volumes: noise lifts some correlations over an absolute one.
    common_reason : str
        Why there are none; the reason of missing densities.
    effective_df : float
        Effective number of independent volumes, for a density of significant edges.
    labels : Labels, optional
        Method, lesion policy and name of the network.
    note : str
        What makes every value of the scan worth a look; flags it.

    Returns
    -------
    DataFrame
        Columns feature, definition, region, hemisphere, side, statistic, method, lesion_policy, threshold, value, unit, n
        (edges behind the value), status, reason: one row for each measure, whatever is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> nodes = pd.DataFrame({"node": ["m1_l", "m1_r"], "pair": "m1", "hemisphere": ["left", "right"]})
    >>> rows = network_features(np.array([[1, 0.5], [0.5, 1]]), nodes, "left")
    >>> rows.query("definition == 'homotopic'")["value"].round(4).tolist()
    [0.5493]
    """
    import pandas as pd

    chosen, named = cuts or Cuts(), labels or Labels()
    table = nodes if "crossed" in nodes else nodes.assign(crossed=False)
    wanted = network_measures(table, chosen) if measures is None else measures
    network = _network(edges, table, lesion_side, wanted, common_edges, common_reason, effective_df)
    expected = expected_network_rows(wanted, named)
    rows = [row | _found(measure, network, note) for row, measure in zip(expected, wanted, strict=True)]
    return feature_sides(pd.DataFrame(rows, columns=list(_COLUMNS)), lesion_side)


def _network(
    edges: FloatArray, nodes: pd.DataFrame, lesion_side: str | None, wanted: Sequence[Measure],
    common_edges: FloatArray | None, common_reason: str, effective_df: float,
) -> MeasuredNetwork:  # fmt: skip
    left = np.flatnonzero(np.isfinite(np.diag(edges)))
    own = np.ix_(left, left)
    cut = {way: _places(wanted, way) for way in ("absolute", "proportional")}
    return MeasuredNetwork(
        edges[own], nodes.iloc[left].reset_index(drop=True), lesion_side, cut["absolute"], cut["proportional"],
        None if common_edges is None else common_edges[own], common_reason, effective_df,
    )  # fmt: skip


def _places(wanted: Sequence[Measure], way: str) -> tuple[float, ...]:
    """Return where measures of one kind cut the network, each once."""
    own = [item for item in wanted if item.definition.endswith(way) and item.statistic == "mean"]
    return tuple(dict.fromkeys(item.threshold for item in own))


def _found(measure: Measure, network: MeasuredNetwork, note: str) -> dict[str, Any]:
    try:
        value, n = measure.value(network)
    except Unmeasured as state:
        return {"value": np.nan, "n": 0, "status": state.status, "reason": state.reason}
    why = "; ".join(filter(None, [note, measure.secondary]))
    return {"value": value, "n": n, "status": "flagged" if why else "ok", "reason": why or None}
