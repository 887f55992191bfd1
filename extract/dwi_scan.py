"""One diffusion scan: from its files to features, lesion, quality and picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.extract.gradients import read_gradients
from neurotrial.extract.images import file_of, image_data, mask_on, read_image
from neurotrial.extract.lesions import voxel_ml
from neurotrial.extract.opening import open_scan
from neurotrial.extract.pictures import draw_dwi
from neurotrial.extract.quality import dwi_measures, quality_table
from neurotrial.extract.regions.features import region_rows
from neurotrial.extract.regions.grid import REGIONS
from neurotrial.extract.regions.region_side import check_region_side
from neurotrial.extract.scan_result import ScanFault, ScanResult
from neurotrial.extract.sides import LETTERS
from neurotrial.extract.tensor import fit_tensor

if TYPE_CHECKING:
    from neurotrial.extract.dataset import Scan
    from neurotrial.extract.gradients import Gradients
    from neurotrial.extract.images import BoolArray
    from neurotrial.extract.opening import OpenedScan
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["extract_dwi"]

Regions = dict[tuple[str, str], "BoolArray"]


def extract_dwi(scan: Scan, plan: ImagingPlan, *, simulated: bool) -> ScanResult:
    """Measure a diffusion scan.

    Parameters
    ----------
    scan : Scan
        Its files.
    plan : ImagingPlan
        Tensor, limits, and which lesion side holds.
    simulated : bool
        Whether the picture says so.

    Returns
    -------
    ScanResult
        Tables `features`, `lesions` and `quality`.

    Raises
    ------
    ScanFault
        If one of its files breaks a rule.
    """
    path = scan.files["dwi"]
    image = read_image(path, 4)
    gradients = _gradients(scan, image.shape[3], plan)
    opened = open_scan(scan, image, plan)
    regions = _regions(scan, opened)
    brain = opened.brain
    if not brain.any():
        raise ScanFault(scan.files["brain"].name, "is an empty mask", "make the brain mask again")
    signal = image_data(image, path)[brain]
    scalars = _maps(signal, gradients, brain, plan)
    measures = dwi_measures(signal, gradients, scalars["fa"][brain], plan.quality)
    flags = [str(item) for item in measures if item.flagged]
    notes = "; ".join(filter(None, [opened.note, *flags]))
    rows = region_rows(scalars, regions, brain, opened.lesion_mask, opened.side, notes)
    tables = {
        "features": pd.DataFrame(list(rows)).assign(**scan.identity),
        "lesions": pd.DataFrame([scan.occasion | _lesion_row(opened, regions)]),
        "quality": quality_table(measures, scan.identity),
    }
    picture = draw_dwi(scan.name, opened, scalars["fa"], regions, flags, simulated=simulated)
    return ScanResult(tables, picture)


def _gradients(scan: Scan, volumes: int, plan: ImagingPlan) -> Gradients:
    bval, bvec = (
        file_of(scan.files, role, scan.folder, f"*_desc-preproc_dwi.{role}") for role in ("bval", "bvec")
    )
    return read_gradients(bval, bvec, volumes, plan.tensor)


def _regions(scan: Scan, opened: OpenedScan) -> Regions:
    found: Regions = {}
    for region in REGIONS:
        for hemisphere, letter in LETTERS.items():
            wanted = f"*_hemi-{letter}_*_label-{region.upper()}_mask.nii.gz"
            path = file_of(scan.files, f"{region}_{hemisphere}", scan.folder, wanted)
            mask = mask_on(path, opened.image, scan.files["dwi"])
            check_region_side(mask, opened.x, hemisphere, path)
            found[region, hemisphere] = mask
    return found


def _maps(signal: Any, gradients: Gradients, brain: BoolArray, plan: ImagingPlan) -> dict[str, Any]:
    """Return the maps of the tensor's scalars, NaN outside the brain."""
    maps = {}
    for name, values in fit_tensor(signal, gradients, plan.tensor).items():
        maps[name] = np.full(brain.shape, np.nan)
        maps[name][brain] = values
    return maps


def _lesion_row(opened: OpenedScan, regions: Regions) -> dict[str, Any]:
    lesion, tract = opened.lesion, regions.get(("cst", opened.side or ""))
    load = np.nan if tract is None else float((opened.lesion_mask & tract).sum()) * voxel_ml(opened.image)
    return {
        "volume_ml": lesion.volume_ml, "side": lesion.side, "share_left": lesion.share_left, "load_raw": load,
        "load_weighted": np.nan, "load_max": np.nan,
    }  # fmt: skip
