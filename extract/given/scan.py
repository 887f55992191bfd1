"""One scan of which only time series or correlations of nodes are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.extract.given.node_matrices import read_correlations, read_coverage, read_series
from neurotrial.extract.given.picture import draw_given
from neurotrial.extract.network.edge_kinds import edges
from neurotrial.extract.network.edge_table import edge_rows
from neurotrial.extract.network.features import expected_network_rows, network_features
from neurotrial.extract.network.planned import planned_networks
from neurotrial.extract.quality import Measure, quality_table
from neurotrial.extract.scan_result import ScanFault, ScanResult
from neurotrial.extract.sides import feature_sides, hemisphere_side

if TYPE_CHECKING:
    from neurotrial.extract.bids.scans import Scan
    from neurotrial.extract.network.planned import PlannedNetwork
    from neurotrial.extract.nodes.spheres import FloatArray
    from neurotrial.extract.nodes.variants import NodeVariant
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["extract_given"]

_FEWEST_VOLUMES = 20


def extract_given(
    scan: Scan, plan: ImagingPlan, variants: Sequence[NodeVariant], *, simulated: bool
) -> ScanResult:
    """Measure the network of a scan from series that another program cleaned, or from its correlations.

    Parameters
    ----------
    scan : Scan
        Its files.
    plan : ImagingPlan
        Nodes and cuts; cleaning was done by others, as the reason of every value says.
    variants : sequence of NodeVariant
        Sets of nodes; only the first has a series.
    simulated : bool
        Whether the picture says so.

    Returns
    -------
    ScanResult
        Tables `features`, `edges`, `nodes` and `quality`.

    Raises
    ------
    ScanFault
        If the file breaks a rule.
    """
    nodes = variants[0].nodes
    series = read_series(scan.files["timeseries"], nodes) if "timeseries" in scan.files else None
    if series is not None and len(series) < _FEWEST_VOLUMES:
        rule = f"has {len(series)} volumes, at least {_FEWEST_VOLUMES} are needed"
        raise ScanFault(scan.files["timeseries"].name, rule, "leave the scan out by a decision")
    given = None if series is not None else read_correlations(scan.files["matrix"], nodes)
    coverage = _coverage(scan, nodes, given if series is None else series.T)
    side = scan.expected_side
    rows, links = [], []
    for item in planned_networks(plan, variants):
        own, r = _measured(item, scan, nodes, series, given, plan, side)
        rows.append(own)
        if r is not None:
            same: dict[str, Any] = {
                "node_set": variants[0].node_set, "kind": item.kind, "strategy": item.strategy,
                "n_volumes": None if series is None else len(series), "effective_df": np.nan,
            }  # fmt: skip
            links.append(edge_rows(r, nodes, side, **same))
    measures = [Measure("n_volumes", np.nan if series is None else len(series))]
    places = nodes[["node", "pair", "hemisphere", "x", "y", "z", "radius_mm"]].assign(
        node_set=variants[0].node_set, coverage=coverage, lesion_fraction=np.nan, tsnr=np.nan,
        side=[hemisphere_side(str(name), side) for name in nodes["hemisphere"]],
    )  # fmt: skip
    r = edges(series, plan.network.kind) if series is not None else given
    tables = {
        "features": pd.concat(rows, ignore_index=True).assign(**scan.identity),
        "edges": pd.concat(links, ignore_index=True).assign(**scan.occasion),
        "nodes": places.assign(**scan.occasion),
        "quality": quality_table(measures, scan.identity),
    }
    return ScanResult(tables, draw_given(scan.name, r, nodes, side, scan.producer, simulated=simulated))


def _measured(
    item: PlannedNetwork, scan: Scan, nodes: pd.DataFrame, series: FloatArray | None, given: FloatArray | None,
    plan: ImagingPlan, side: str | None,
) -> tuple[pd.DataFrame, FloatArray | None]:  # fmt: skip
    """Return the feature rows of a network, and its correlations where there are any."""
    why = _unmeasured(item, plan, series)
    if why:
        rows = feature_sides(pd.DataFrame(expected_network_rows(item.measures, item.labels)), side)
        return rows.assign(status="not_applicable", reason=why, coverage=np.nan), None
    r = given if series is None else edges(series, item.kind)  # type: ignore[arg-type]  # the plan knows the kinds
    if r is None:
        raise ScanFault(scan.name, "has neither series nor correlations", "add one of them")
    common = plan.cleaning.common_volumes
    enough = series is not None and len(series) >= common
    reason = (
        "correlations do not say how many volumes they rest on" if series is None
        else f"{len(series)} volumes are there, the common number is {common}"
    )  # fmt: skip
    found = network_features(
        r, nodes, side, measures=item.measures, labels=item.labels,
        common_edges=edges(series[:common], item.kind) if series is not None and enough else None,  # type: ignore[arg-type]
        common_reason=reason, note=f"cleaned by {scan.producer or 'another program'}, not by the plan",
    )  # fmt: skip
    return found.assign(coverage=float(np.isfinite(np.diag(r)).mean())), r


def _unmeasured(item: PlannedNetwork, plan: ImagingPlan, series: FloatArray | None) -> str:
    """Return why a network cannot be measured from what is given; empty where it can."""
    if item.place:
        return "only the plan's own nodes have a series"
    if item.strategy != plan.cleaning.strategy:
        return "the series were cleaned by another program"
    if series is None and item.kind != "pearson":
        return "only correlations are there"
    return ""


def _coverage(scan: Scan, nodes: pd.DataFrame, rows: Any) -> FloatArray:
    """Return the coverage that the program found, else whether a node has numbers."""
    if "node_coverage" in scan.files:
        return read_coverage(scan.files["node_coverage"], nodes)
    return np.asarray(np.isfinite(rows).any(axis=1), dtype="float64")
