"""The second step of the extraction: what needs every diffusion scan of one participant at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.lesions import measure_lesion, voxel_ml
from neurotrial.extract.pictures import draw_dwi
from neurotrial.extract.quality import region_measures
from neurotrial.extract.regions.features import region_features
from neurotrial.extract.regions.lesion_loads import lesion_load
from neurotrial.extract.regions.tract_profiles import tract_profiles
from neurotrial.extract.visits.alignment import align_visits
from neurotrial.extract.visits.region_source import regions_of_scans
from neurotrial.extract.visits.shared_masks import shared_masks

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.extract.quality import Measure
    from neurotrial.extract.visits.region_source import FoundRegions
    from neurotrial.extract.visits.scan_maps import BoolArray, ScanMaps
    from neurotrial.extract.visits.shared_masks import SharedMasks
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["MeasuredScan", "measure_visits"]


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredScan:
    """What the second step gives for one scan.

    Attributes
    ----------
    features, profiles : DataFrame
        Rows of these contracts without identity.
    lesion_mask : ndarray of bool, shape (x, y, z), or None
        The lesion mask that holds.
    note : str
        What makes every value of the scan worth a look.
    lesion : mapping
        A row of `lesions` without identity.
    measures : list of Measure
        Of the regions and of their registration.
    picture : bytes
        A PNG for quality control.
    """

    features: pd.DataFrame
    profiles: pd.DataFrame
    lesion_mask: BoolArray | None
    note: str
    lesion: Mapping[str, Any]
    measures: Sequence[Measure]
    picture: bytes


def measure_visits(
    scans: Sequence[ScanMaps],
    plan: ImagingPlan,
    folder: Path,
    *,
    baseline: str,
    transforms: Mapping[str, Path],
    simulated: bool,
) -> dict[str, MeasuredScan]:
    """Measure the diffusion scans of one participant with the masks that they share.

    Parameters
    ----------
    scans : sequence of ScanMaps
        Those that could be opened; at least one.
    plan : ImagingPlan
        Regions, and what visits share.
    folder : Path
        The study folder, in which the files of atlas and template stand.
    baseline : str
        Name of the baseline visit.
    transforms : mapping of str to Path
        Transform from the space of the atlas to a scan, by the scan's name.
    simulated : bool
        Whether pictures say so.

    Returns
    -------
    dict of str to MeasuredScan
        By the name of the scan.

    Raises
    ------
    ScanFault
        If scans or template cannot be registered, or a region lies in the wrong hemisphere.
    """
    alignment = align_visits(scans, plan.visits)
    masks = shared_masks(scans, plan.visits, baseline, alignment.carry)
    lesion = masks[scans[0].name].lesion
    lesion = None if lesion is None else alignment.to_middle(lesion, scans[0])
    regions = regions_of_scans(scans, alignment, plan.regions, folder, transforms, lesion)
    return {
        scan.name: _measured(scan, masks[scan.name], regions[scan.name], plan, simulated=simulated)
        for scan in scans
    }


def _measured(
    scan: ScanMaps, masks: SharedMasks, regions: FoundRegions, plan: ImagingPlan, *, simulated: bool
) -> MeasuredScan:
    measures = region_measures(regions.weights, masks.covered, regions.quality, plan.quality)
    flags = [*scan.flags, *(str(item) for item in measures if item.flagged)]
    note = "; ".join(filter(None, [*scan.notes, masks.note, regions.note, *flags]))
    features = region_features(
        scan.scalars, regions.weights, scan.brain, masks.lesion, lesion_side=scan.side, voxel_mm=scan.voxel_mm,
        method=regions.method, covered=masks.covered, note=note, min_coverage=plan.regions.min_coverage,
        erosion=plan.regions.erosion, ring_mm=plan.regions.perilesional_mm,
    )  # fmt: skip
    profiles = tract_profiles(
        regions.weights,
        scan.scalars,
        scan.affine,
        lesion_side=scan.side,
        lesion=masks.lesion,
        brain=masks.covered,
    )
    picture = draw_dwi(scan, masks.lesion, regions.weights, profiles, flags, simulated=simulated)
    return MeasuredScan(
        features, profiles, masks.lesion, note, _lesion_row(scan, masks, regions), measures, picture
    )


def _lesion_row(scan: ScanMaps, masks: SharedMasks, regions: FoundRegions) -> dict[str, Any]:
    """Return volume, side and load of the scan's own mask, and the volume of the mask that holds for all visits."""
    voxel = voxel_ml(scan.affine)
    row: dict[str, Any] = {"used_ml": np.nan if masks.lesion is None else float(masks.lesion.sum()) * voxel}
    if scan.lesion is None:
        return row
    own = measure_lesion(scan.lesion, scan.x, voxel)
    row |= {"volume_ml": own.volume_ml, "side": own.side, "share_left": own.share_left}
    tract = regions.weights.get(("cst", scan.side or ""))
    if tract is None:
        return row
    load = lesion_load(scan.lesion, tract, scan.affine)
    return row | {
        "load_raw": load.raw, "load_weighted": load.weighted, "load_max": load.largest, "distance_mm": load.distance_mm,
    }  # fmt: skip
