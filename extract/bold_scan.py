"""One BOLD scan: from its files to the networks, its quality and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.extract.acquisition import acquisition_row
from neurotrial.extract.bold.picture import draw_bold
from neurotrial.extract.bold.quality import bold_measures
from neurotrial.extract.bold.reading import read_bold
from neurotrial.extract.cleaning.censoring import Censoring, lost_volumes
from neurotrial.extract.cleaning.cleaned import cleaned_series
from neurotrial.extract.cleaning.head_motion import displacement_of
from neurotrial.extract.cleaning.left_over import Least
from neurotrial.extract.cleaning.operator import cleaning_operator
from neurotrial.extract.cleaning.temporal import Band
from neurotrial.extract.network.edge_kinds import edges
from neurotrial.extract.network.edge_table import edge_rows
from neurotrial.extract.network.features import expected_network_rows, network_features
from neurotrial.extract.network.lag import node_lags
from neurotrial.extract.network.measured_network import FEWEST_NODES, crossed_hemisphere
from neurotrial.extract.network.planned import planned_networks
from neurotrial.extract.nodes.series import node_tsnr
from neurotrial.extract.nodes.variants import planned_variants
from neurotrial.extract.quality import quality_table
from neurotrial.extract.scan_result import ScanFault, ScanResult
from neurotrial.extract.sides import feature_sides, hemisphere_side

if TYPE_CHECKING:
    from pathlib import Path

    from neurotrial.extract.bids.scans import Scan
    from neurotrial.extract.bold.reading import ReadBold
    from neurotrial.extract.cleaning.cleaned import Cleaned
    from neurotrial.extract.cleaning.operator import CleaningOperator
    from neurotrial.extract.network.planned import PlannedNetwork
    from neurotrial.extract.nodes.spheres import BoolArray, FloatArray, NodeVoxels
    from neurotrial.extract.nodes.variants import NodeVariant
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["extract_bold", "network_tables"]

_LEAST_R, _SDS = 0.3, 3.0
"""A lag is told where a node follows the healthy hemisphere with this correlation, and one this many standard errors from 0."""


def extract_bold(scan: Scan, plan: ImagingPlan, study_folder: Path, *, simulated: bool) -> ScanResult:
    """Measure a BOLD scan.

    Parameters
    ----------
    scan : Scan
        Its files.
    plan : ImagingPlan
        Nodes, cleaning, limits, and which lesion side holds.
    study_folder : Path
        Where the table of nodes stands.
    simulated : bool
        Whether the picture says so.

    Returns
    -------
    ScanResult
        Tables `features`, `edges`, `nodes`, `quality` and `scans`.

    Raises
    ------
    ScanFault
        If one of its files breaks a rule, or too little of the scan is left.
    """
    variants = planned_variants(plan.network, study_folder)
    if "bold" not in scan.files:
        from neurotrial.extract.given.scan import extract_given

        return extract_given(scan, plan, variants, simulated=simulated)
    read = read_bold(scan, plan, variants)
    operators = _operators(read, plan)
    own = operators[plan.cleaning.strategy]
    if isinstance(own, ScanFault):
        raise own
    series = [_usable(read.found.nodes[str(place)], item, plan) for place, item in enumerate(read.voxels)]
    cleaned = cleaned_series(own, series[0])
    lost = np.asarray(~np.isfinite(cleaned.series).all(axis=0))
    _check_left(scan, variants[0], lost)
    lags = _lags(own, cleaned, read)
    displacement = np.asarray(displacement_of(read.confounds), dtype="float64")
    measures = bold_measures(read, displacement, cleaned, lost, lags, plan.quality)
    flags = [str(item) for item in measures if item.flagged and item.name != "nodes_lost"]
    flags = [*_lost_words(variants[0], lost, cleaned), *flags]
    note = "; ".join([*read.notes, *filter(None, [own.note]), *flags])
    networks = planned_networks(plan, variants)
    features, edge_tables = network_tables(
        networks, variants, series, operators, read.opened.side, plan, note=note, lags=lags
    )  # fmt: skip
    tables = {
        "features": features.assign(**scan.identity),
        "edges": edge_tables.assign(**scan.occasion),
        "nodes": _node_tables(variants, read).assign(**scan.occasion),
        "quality": quality_table(measures, scan.identity),
        "scans": pd.DataFrame([_acquisition(scan, read)]),
    }
    picture = draw_bold(
        scan.name, read, variants[0].drawn, edges(cleaned, plan.network.kind), displacement, cleaned.censored,
        plan.cleaning.fd_threshold, flags, simulated=simulated,
    )  # fmt: skip
    return ScanResult(tables, picture)


def _acquisition(scan: Scan, read: ReadBold) -> dict[str, Any]:
    """Return the row of `scans`."""
    shape = (*read.opened.brain.shape, len(read.confounds))
    grid: Any = _Grid(shape, read.opened.affine)
    return acquisition_row(scan, grid, scan.files["bold"], f"bold {read.t_r:g}")


class _Grid:
    """Shape and affine of a series."""

    def __init__(self, shape: tuple[int, ...], affine: Any) -> None:
        self.shape, self.affine = shape, affine


def _operators(read: ReadBold, plan: ImagingPlan) -> dict[str, CleaningOperator | ScanFault]:
    """Return the operator of each strategy, or why there is none."""
    cleaning = plan.cleaning
    band = Band(read.t_r, cleaning.high_pass, cleaning.low_pass, cleaning.detrend)
    lesion = read.opened.lesion_mask is None or bool(read.opened.lesion_mask.any())
    lost = lost_volumes(read.found.nodes["0"]) | read.found.broken
    found: dict[str, CleaningOperator | ScanFault] = {}
    for strategy in (cleaning.strategy, *cleaning.sensitivity):
        try:
            found[strategy] = cleaning_operator(
                read.confounds, strategy=strategy, band=band,
                censoring=Censoring(cleaning.fd_threshold, cleaning.dvars_threshold),
                least=Least(cleaning.min_minutes), lost=lost, tissue=read.tissue, lesion=lesion,
            )  # fmt: skip
        except ScanFault as fault:
            found[strategy] = fault
    return found


def _usable(series: FloatArray, voxels: NodeVoxels, plan: ImagingPlan) -> FloatArray:
    """Return the series of nodes without those of which too little is covered or healthy."""
    lost = (voxels.coverage < max(plan.network.min_coverage, np.finfo(float).eps)) | (
        np.nan_to_num(voxels.lesion_fraction) > plan.network.max_lesion_fraction
    )
    return np.where(lost, np.nan, series)


def _check_left(scan: Scan, variant: NodeVariant, lost: BoolArray) -> None:
    left = int((~lost).sum())
    if left < FEWEST_NODES:
        rule = f"{left} of {len(variant.nodes)} nodes have a signal inside the brain mask"
        remedy = "check the space of the image: nodes are in the space of their table"
        raise ScanFault(scan.files["bold"].name, rule, remedy)


def _lost_words(variant: NodeVariant, lost: BoolArray, cleaned: Cleaned) -> list[str]:
    if not lost.any():
        return []
    names = [
        name + (f" ({why})" if why.startswith(("constant", "filter")) else "")
        for name, why, gone in zip(variant.nodes["node"], cleaned.reasons, lost, strict=True)
        if gone
    ]
    return [f"nodes lost: {', '.join(names)}"]


def _lags(operator: CleaningOperator, cleaned: Cleaned, read: ReadBold) -> FloatArray:
    """Return the lag of each node behind the healthy hemisphere."""
    reference = cleaned_series(operator, read.reference[:, None]).series[:, 0]
    if not np.isfinite(reference).all():
        return np.full(cleaned.series.shape[1], np.nan)
    whole = np.full((len(cleaned.censored), cleaned.series.shape[1] + 1), np.nan)
    whole[~cleaned.censored] = np.column_stack([cleaned.series, reference])
    least = max(_LEAST_R, _SDS / np.sqrt(cleaned.effective_df))
    return node_lags(whole[:, :-1], whole[:, -1], read.t_r, least_r=least)


def network_tables(
    networks: Sequence[PlannedNetwork],
    variants: Sequence[NodeVariant],
    series: Sequence[FloatArray],
    operators: dict[str, CleaningOperator | ScanFault],
    lesion_side: str | None,
    plan: ImagingPlan,
    *,
    note: str = "",
    lags: FloatArray | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure every network of a plan.

    Parameters
    ----------
    networks : sequence of PlannedNetwork
        What is measured.
    variants : sequence of NodeVariant
        Sets of nodes.
    series : sequence of ndarray, shape (n_volumes, n_nodes)
        Of each variant.
    operators : dict
        Cleaning of each strategy, or why there is none.
    lesion_side : str or None
        Side of the lesion.
    plan : ImagingPlan
        Common number of volumes.
    note : str
        What flags every value.
    lags : ndarray, shape (n_nodes,), optional
        Of the nodes of the first variant.

    Returns
    -------
    features, edges : DataFrame
        Without participant and visit.
    """
    rows, links = [], []
    cleaned: dict[tuple[str, int], Cleaned] = {}
    for item in networks:
        operator = operators[item.strategy]
        if isinstance(operator, ScanFault):
            failed = pd.DataFrame(expected_network_rows(item.measures, item.labels))
            failed = feature_sides(failed, lesion_side).assign(status="failed", reason=str(operator))
            rows.append(failed)
            continue
        key = item.strategy, item.place
        if key not in cleaned:
            cleaned[key] = cleaned_series(operator, series[item.place])
        variant = variants[item.place]
        own = cleaned[key]
        r = edges(own, item.kind)  # type: ignore[arg-type]  # the plan knows the kinds
        rows.append(_features(own, r, item, variant, lesion_side, plan, note))
        same = {
            "node_set": variant.node_set, "kind": item.kind, "strategy": item.strategy, "n_volumes": own.n_volumes,
            "effective_df": own.effective_df,
        }  # fmt: skip
        if variant.lesion == plan.network.lesion:
            own_lags = lags if not item.place and lags is not None else None
            links.append(edge_rows(r, variant.nodes, lesion_side, lags=own_lags, **same))
    return pd.concat(rows, ignore_index=True), pd.concat(links, ignore_index=True)


def _features(
    cleaned: Cleaned, r: FloatArray, item: PlannedNetwork, variant: NodeVariant, lesion_side: str | None,
    plan: ImagingPlan, note: str,
) -> pd.DataFrame:  # fmt: skip
    common = plan.cleaning.common_volumes
    enough = cleaned.n_volumes >= common
    features = network_features(
        r, variant.nodes, lesion_side, measures=item.measures,
        common_edges=edges(cleaned.series[:common], item.kind) if enough else None,  # type: ignore[arg-type]
        common_reason=f"{cleaned.n_volumes} volumes are left, the common number is {common}",
        effective_df=cleaned.effective_df, labels=item.labels, note=note,
    )  # fmt: skip
    return features.assign(coverage=float(np.isfinite(np.diag(r)).mean()))


def _node_tables(variants: Sequence[NodeVariant], read: ReadBold) -> pd.DataFrame:
    """Return the rows of `nodes`: one for each node of each set and radius."""
    tables, known = [], set()
    for variant, voxels in zip(variants, read.voxels, strict=True):
        if variant.node_set in known:
            continue
        known.add(variant.node_set)
        nodes = variant.drawn
        crossed = [
            crossed_hemisphere(str(hemisphere), crossed=bool(flag))
            for hemisphere, flag in zip(nodes["hemisphere"], nodes["crossed"], strict=True)
        ]
        tables.append(
            nodes[["node", "pair", "hemisphere", "x", "y", "z", "radius_mm"]].assign(
                node_set=variant.node_set,
                side=[hemisphere_side(str(name), read.opened.side) for name in nodes["hemisphere"]],
                network_side=[hemisphere_side(name, read.opened.side) for name in crossed],
                coverage=voxels.coverage,
                lesion_fraction=voxels.lesion_fraction,
                tsnr=node_tsnr(read.found, voxels),
            )
        )
    return pd.concat(tables, ignore_index=True)
