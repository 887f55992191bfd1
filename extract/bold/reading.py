"""What is read of a resting-state scan, in one pass over its image: nodes, tissues, quality, and its confounds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.bids.entities import native_space
from neurotrial.extract.bold.one_pass import read_pass
from neurotrial.extract.bold.opening import open_scan
from neurotrial.extract.bold.volumes import open_volumes
from neurotrial.extract.cleaning.confound_table import read_confounds
from neurotrial.extract.cleaning.strategies import find_strategy
from neurotrial.extract.cleaning.tissue import tissue_signals
from neurotrial.extract.cleaning.tissue_masks import safe_mask
from neurotrial.extract.images import file_of, space_of, weights_on
from neurotrial.extract.regions.ring import perilesional_ring
from neurotrial.extract.scan_result import ScanFault
from neurotrial.extract.sides import HEMISPHERES

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.bids.scans import Scan
    from neurotrial.extract.bold.one_pass import OnePass
    from neurotrial.extract.bold.opening import OpenedScan
    from neurotrial.extract.bold.volumes import VolumeStream
    from neurotrial.extract.cleaning.tissue import TissueSignals
    from neurotrial.extract.nodes.spheres import BoolArray, NodeVoxels
    from neurotrial.extract.nodes.variants import NodeVariant
    from neurotrial.extract.registration.transform import Transform
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["ReadBold", "read_bold"]

_TISSUES = ("white_matter", "csf")
_MOST_VOXELS = 20_000
"""Voxels of a tissue that its components are made from; more are thinned evenly, which bounds memory."""
_LONGEST_T_R = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class ReadBold:
    """What was read of a scan.

    Attributes
    ----------
    opened : OpenedScan
        Masks and side of the lesion.
    found : OnePass
        Series and maps; the series of the nodes by the place of their variant.
    voxels : list of NodeVoxels
        Of each variant.
    confounds : DataFrame
        One row for each volume.
    t_r : float
        Repetition time in s.
    tissue : TissueSignals or None
        Signals away from the lesion.
    reference : ndarray, shape (n_volumes,)
        Mean over the healthy brain, the hemisphere without the lesion where it has one, for the lag.
    notes : tuple of str
        What should be known.
    """

    opened: OpenedScan
    found: OnePass
    voxels: list[NodeVoxels]
    confounds: pd.DataFrame
    t_r: float
    tissue: TissueSignals | None
    reference: Any
    notes: tuple[str, ...]


def read_bold(scan: Scan, plan: ImagingPlan, variants: Sequence[NodeVariant]) -> ReadBold:
    """Read a scan.

    Parameters
    ----------
    scan : Scan
        Its files.
    plan : ImagingPlan
        Strategies, which lesion side holds, and how far cleaning keeps from the lesion.
    variants : sequence of NodeVariant
        Sets of nodes.

    Raises
    ------
    ScanFault
        If one of its files breaks a rule.
    """
    path = scan.files["bold"]
    stream = open_volumes(path)
    t_r = _repetition_time(scan, stream)
    wanted = "*_desc-confounds_timeseries.tsv"
    confounds = read_confounds(file_of(scan.files, "confounds", scan.folder, wanted), stream.n_volumes)
    opened = open_scan(scan, stream, plan)
    transform = _transform(scan, any(item.in_template for item in variants))
    voxels = [item.voxels(stream, opened.brain, opened.lesion_mask, transform) for item in variants]
    _check_place(path, variants[0], voxels[0])
    healthy = opened.brain & ~_near_lesion(opened, plan.cleaning.lesion_dilation_mm)
    tissues = _tissues([plan.cleaning.strategy, *plan.cleaning.sensitivity])
    masks, reasons = _tissue_masks(scan, stream, opened, tissues, plan.cleaning.lesion_dilation_mm)
    averages = {"reference": healthy & _contralesional(opened)}
    if "global_signal" in tissues:
        averages["global_signal"] = healthy
    groups = {str(place): item.voxels for place, item in enumerate(voxels)}
    found = read_pass(stream, groups, brain=opened.brain, keep=masks, average=averages)
    tissue = None
    if tissues:
        series = {name: found.kept[name] for name in masks}
        tissue = tissue_signals(
            series, t_r=t_r, global_signal=found.means.get("global_signal"), reasons=reasons
        )
    notes = (opened.note, _note_on_broken(found.broken))
    return ReadBold(
        opened, found, voxels, confounds, t_r, tissue, found.means["reference"], tuple(filter(None, notes))
    )


def _repetition_time(scan: Scan, stream: VolumeStream) -> float:
    """Return the repetition time of the sidecar, else that of the header.

    Raises
    ------
    ScanFault
        If neither gives one, or it is none.
    """
    where, seconds = stream.name, stream.t_r
    if "bold_json" in scan.files:
        where = scan.files["bold_json"].name
        try:
            given = json.loads(scan.files["bold_json"].read_text(encoding="utf-8")).get("RepetitionTime")
            seconds = seconds if given is None else float(given)
        except (OSError, ValueError, TypeError, AttributeError):
            rule = "gives no RepetitionTime that can be read"
            raise ScanFault(where, rule, "mend the file; times are in seconds") from None
    if np.isnan(seconds):
        rule = "gives no RepetitionTime, and there is none in a header"
        raise ScanFault(where, rule, "add it to the sidecar, in seconds")
    if not 0 < seconds < _LONGEST_T_R:
        raise ScanFault(where, f"RepetitionTime is {seconds:g}", "give it in seconds, above 0")
    return seconds


def _transform(scan: Scan, in_template: bool) -> Transform | None:
    """Return the way from points of the scan to the template; None where they are the same, or the scan says no space."""
    space = space_of(scan.files["bold"]) or ""
    if not in_template or native_space(space):
        return None
    if "from_template" not in scan.files:
        if not space:
            return None
        rule = f"stands in the space {space}, the nodes in a template, and there is no transform between them"
        remedy = "take the image in MNI space, or add *_from-MNI152..._to-T1w_mode-image_xfm.h5"
        raise ScanFault(scan.files["bold"].name, rule, remedy)
    from neurotrial.extract.registration.itk import read_transform

    to_template = read_transform(scan.files["from_template"])
    if space or "coregistration" not in scan.files:
        return to_template
    return read_transform(scan.files["coregistration"]).inverse().then(to_template)


def _check_place(path: Path, variant: NodeVariant, voxels: NodeVoxels) -> None:
    """Make sure that nodes lie in the brain.

    Raises
    ------
    ScanFault
        If none does.
    """
    if not (voxels.coverage > 0).any():
        rule = f"0 of {len(variant.nodes)} nodes lie inside the brain mask"
        raise ScanFault(
            path.name, rule, "check the space of the image: nodes are in the space of their table"
        )


def _near_lesion(opened: OpenedScan, dilation_mm: float) -> BoolArray:
    if opened.lesion_mask is None or not opened.lesion_mask.any():
        return np.zeros(opened.brain.shape, dtype=bool)
    return opened.lesion_mask | perilesional_ring(opened.lesion_mask, _voxel_mm(opened.affine), dilation_mm)


def _voxel_mm(affine: Any) -> Any:
    return np.linalg.norm(np.asarray(affine)[:3, :3], axis=0)


def _contralesional(opened: OpenedScan) -> BoolArray:
    """Return the hemisphere without the lesion, everything where there is no single side."""
    if opened.side not in HEMISPHERES:
        return np.ones(opened.brain.shape, dtype=bool)
    return np.asarray(opened.x > 0 if opened.side == "left" else opened.x < 0)


def _tissues(strategies: Iterable[str]) -> set[str]:
    return {tissue for name in strategies for tissue in find_strategy(name).tissues}


def _tissue_masks(
    scan: Scan, stream: VolumeStream, opened: OpenedScan, tissues: set[str], dilation_mm: float
) -> tuple[dict[str, BoolArray], Mapping[str, str]]:
    """Return the voxels of each tissue away from the lesion, and why there are none."""
    masks: dict[str, BoolArray] = {}
    reasons = {}
    for name in (tissue for tissue in _TISSUES if tissue in tissues):
        if name not in scan.files:
            reasons[name] = "there is no probability map of the tissue"
            continue
        try:
            weights = weights_on(scan.files[name], stream, scan.files["bold"])
        except ScanFault as fault:
            reasons[name] = str(fault)
            continue
        safe = safe_mask(
            weights, opened.lesion_mask, _voxel_mm(opened.affine), brain=opened.brain, dilation_mm=dilation_mm
        )
        if safe.mask is None:
            reasons[name] = safe.reason
        else:
            masks[name] = _thinned(safe.mask)
    return masks, reasons


def _thinned(mask: BoolArray) -> BoolArray:
    places = np.flatnonzero(mask)
    if len(places) <= _MOST_VOXELS:
        return mask
    kept = np.zeros(mask.size, dtype=bool)
    kept[places[np.linspace(0, len(places) - 1, _MOST_VOXELS).astype(np.int64)]] = True
    return kept.reshape(mask.shape)


def _note_on_broken(broken: Any) -> str:
    places = np.flatnonzero(broken)
    if not places.size:
        return ""
    named = ", ".join(map(str, places[:5])) + (", ..." if len(places) > 5 else "")  # noqa: PLR2004 - as many as a line holds
    return f"{len(places)} volumes hold no numbers and are left out: {named}"
