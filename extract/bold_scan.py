"""One BOLD scan: from its files to the motor network, its quality and its picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.cleaning.confound_table import read_confounds
from neurotrial.extract.cleaning.head_motion import displacement_of
from neurotrial.extract.cleaning.node_cleaning import clean
from neurotrial.extract.images import file_of, image_data, read_image
from neurotrial.extract.network import FEWEST_NODES, correlations, edge_rows, network_features
from neurotrial.extract.nodes import node_series, place_spheres, read_nodes
from neurotrial.extract.opening import open_scan
from neurotrial.extract.pictures import draw_bold
from neurotrial.extract.quality import bold_measures, quality_table
from neurotrial.extract.scan_result import ScanFault, ScanResult
from neurotrial.extract.sides import hemisphere_side

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from neurotrial.extract.bids.scans import Scan
    from neurotrial.extract.nodes import Spheres
    from neurotrial.extract.opening import OpenedScan
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["extract_bold"]


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
        Tables `features`, `edges`, `nodes` and `quality`.

    Raises
    ------
    ScanFault
        If one of its files breaks a rule, or too little of the scan is left.
    """
    path = scan.files["bold"]
    image = read_image(path, 4)
    opened = open_scan(scan, image, plan)
    t_r = _repetition_time(file_of(scan.files, "bold_json", scan.folder, "*_desc-preproc_bold.json"))
    confounds_path = file_of(scan.files, "confounds", scan.folder, "*_desc-confounds_timeseries.tsv")
    confounds = read_confounds(confounds_path, image.shape[3])
    nodes = read_nodes(study_folder / plan.network.nodes)
    spheres = place_spheres(nodes, image, opened.brain)
    kept = spheres.coverage >= max(plan.network.min_coverage, np.finfo(float).eps)
    if kept.sum() < FEWEST_NODES:
        rule = f"{kept.sum()} of {len(nodes)} nodes lie inside the brain mask"
        raise ScanFault(path.name, rule, "check the space of the image: nodes are in the space of nodes.tsv")
    data = image_data(image, path)
    series = node_series(data, image, spheres, kept)
    cleaned = clean(
        series, confounds, strategy=plan.cleaning.strategy, tr=t_r, high_pass=plan.cleaning.high_pass,
        low_pass=plan.cleaning.low_pass, fd_threshold=plan.cleaning.fd_threshold,
    )  # fmt: skip
    displacement = np.nan_to_num(np.asarray(displacement_of(confounds), dtype="float64"))
    tsnr = _tsnr(data, opened.brain)
    places = _node_rows(nodes, spheres, opened, tsnr)
    measures = bold_measures(
        displacement, cleaned, float(np.nanmedian(tsnr[opened.brain])), spheres.coverage,
        int((places["lesion_fraction"] > 0).sum()), plan.quality,
    )  # fmt: skip
    flags = [str(item) for item in measures if item.flagged]
    lost = nodes.loc[~kept, "node"].tolist()
    notes = "; ".join(
        filter(None, [opened.note, cleaned.note, f"nodes lost: {', '.join(lost)}" if lost else "", *flags])
    )
    whole = nodes[kept].reset_index(drop=True)
    features = network_features(cleaned, whole, opened.side, plan, notes)
    r = correlations(cleaned.series)
    tables = {
        "features": features.assign(**scan.identity, coverage=float(kept.mean())),
        "edges": edge_rows(r, whole, opened.side, cleaned, plan.cleaning.strategy).assign(**scan.occasion),
        "nodes": places.assign(**scan.occasion),
        "quality": quality_table(measures, scan.identity),
    }
    picture = draw_bold(
        scan.name, opened, data, spheres.labels, displacement, plan.cleaning.fd_threshold, r, whole, flags,
        simulated=simulated,
    )  # fmt: skip
    return ScanResult(tables, picture)


def _repetition_time(path: Path) -> float:
    try:
        seconds = float(json.loads(path.read_text(encoding="utf-8"))["RepetitionTime"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ScanFault(path.name, "gives no RepetitionTime", "add it, in seconds") from None
    if not 0 < seconds < 20:  # noqa: PLR2004 - no BOLD volume takes 20 s
        raise ScanFault(path.name, f"RepetitionTime is {seconds:g}", "give it in seconds, above 0")
    return seconds


def _tsnr(data: Any, brain: Any) -> Any:
    """Return the map of mean over SD in time, NaN outside the brain or without variation."""
    inside = data[brain].astype("float64")
    spread = inside.std(axis=1, ddof=1)
    ratio = np.full(len(inside), np.nan)
    np.divide(inside.mean(axis=1), spread, out=ratio, where=spread > 0)
    found = np.full(brain.shape, np.nan)
    found[brain] = np.maximum(ratio, 0.0)
    return found


def _node_rows(nodes: pd.DataFrame, spheres: Spheres, opened: OpenedScan, tsnr: Any) -> pd.DataFrame:
    places = range(1, len(nodes) + 1)
    own = [spheres.labels == place for place in places]
    return nodes.assign(
        side=[hemisphere_side(hemisphere, opened.side) for hemisphere in nodes["hemisphere"]],
        coverage=spheres.coverage,
        lesion_fraction=[float(opened.lesion_mask[mask].mean()) if mask.any() else np.nan for mask in own],
        tsnr=[float(np.nanmedian(tsnr[mask])) if np.isfinite(tsnr[mask]).any() else np.nan for mask in own],
    )
