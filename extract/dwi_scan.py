"""One diffusion scan: from its files to the maps and masks from which regions are measured, its quality, its protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.extract.acquisition import acquisition_row
from neurotrial.extract.diffusion.scan_scalars import scan_scalars
from neurotrial.extract.images import file_of, mask_on, weights_on, world_x
from neurotrial.extract.lesions import measure_lesion, side_of_scan, voxel_ml
from neurotrial.extract.quality import quality_table
from neurotrial.extract.regions.grid import REGIONS
from neurotrial.extract.regions.region_side import check_region_side
from neurotrial.extract.scan_result import ScanResult
from neurotrial.extract.secondary_methods import secondary_tables
from neurotrial.extract.sides import HEMISPHERES, LETTERS
from neurotrial.extract.visits.participant import measure_visits
from neurotrial.extract.visits.scan_maps import ScanMaps

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.bids.scans import Scan
    from neurotrial.extract.images import BoolArray, FloatArray
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["OpenedDwi", "extract_dwi", "open_dwi", "visit_tables"]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedDwi:
    """What the first step gives for one diffusion scan.

    Attributes
    ----------
    maps : ScanMaps
        For the step that needs every scan of the participant.
    tables : mapping of str to DataFrame
        `quality` and `scans`.
    """

    maps: ScanMaps
    tables: Mapping[str, pd.DataFrame]


def open_dwi(scan: Scan, plan: ImagingPlan) -> OpenedDwi:
    """Make the maps of a diffusion scan, and read its masks.

    Parameters
    ----------
    scan : Scan
        Its files.
    plan : ImagingPlan
        Tensor, limits, where regions come from, and which lesion side holds.

    Raises
    ------
    ScanFault
        If one of its files breaks a rule.
    """
    found = scan_scalars(scan, plan)
    path = scan.files["dwi" if "dwi" in scan.files else "fa"]
    x = world_x(found.image.shape[:3], found.image.affine)
    lesion = _lesion(scan, found.image, path)
    side, note = _side(scan, lesion, found.image, x, plan)
    regions = _regions(scan, found.image, path, x) if plan.regions.atlas is None else {}
    flags = tuple(str(item) for item in found.measures if item.flagged)
    notes = tuple(filter(None, [note, *found.notes]))
    maps = ScanMaps(
        scan.name, scan.visit, np.asarray(found.image.affine), found.brain, lesion, found.scalars, regions, side,
        notes=notes, flags=flags,
    )  # fmt: skip
    tables = {
        "quality": quality_table(found.measures, scan.identity),
        "scans": pd.DataFrame([acquisition_row(scan, found.image, path, found.protocol)]),
    }
    return OpenedDwi(maps, tables)


def extract_dwi(scan: Scan, plan: ImagingPlan, study_folder: Path, *, simulated: bool) -> ScanResult:
    """Measure a diffusion scan by itself, as if its participant had no other.

    Parameters
    ----------
    scan : Scan
        Its files.
    plan : ImagingPlan
        How images become measures.
    study_folder : Path
        Where atlas and template of the plan stand.
    simulated : bool
        Whether the picture says so.

    Returns
    -------
    ScanResult
        Tables `features`, `profiles`, `lesions`, `quality` and `scans`.

    Raises
    ------
    ScanFault
        If one of its files breaks a rule.
    """
    opened = open_dwi(scan, plan)
    found = visit_tables([scan], [opened.maps], plan, study_folder, baseline=scan.visit, simulated=simulated)
    tables, picture = found[scan.name]
    quality = pd.concat([opened.tables["quality"], tables["quality"]], ignore_index=True)
    return ScanResult({**opened.tables, **tables, "quality": quality}, picture)


def visit_tables(
    scans: list[Scan],
    maps: list[ScanMaps],
    plan: ImagingPlan,
    folder: Path,
    *,
    baseline: str,
    simulated: bool,
) -> dict[str, tuple[dict[str, pd.DataFrame], bytes]]:
    """Measure the diffusion scans of one participant together; see `neurotrial.extract.visits.participant`.

    Returns
    -------
    dict of str to (dict of str to DataFrame, bytes)
        By the name of the scan: the tables `features`, `profiles`, `lesions` and `quality`, and the picture.
    """
    transforms = {scan.name: scan.files["from_template"] for scan in scans if "from_template" in scan.files}
    found = measure_visits(maps, plan, folder, baseline=baseline, transforms=transforms, simulated=simulated)
    tables = {}
    for scan, own_maps in zip(scans, maps, strict=True):
        own = found[scan.name]
        features, profiles = secondary_tables(
            scan, own_maps, own.lesion_mask, plan.regions.secondary, own.note
        )
        tables[scan.name] = (
            {
                "features": pd.concat([own.features, *features], ignore_index=True).assign(**scan.identity),
                "profiles": pd.concat([own.profiles, *profiles], ignore_index=True).assign(**scan.occasion),
                "lesions": pd.DataFrame([scan.occasion | dict(own.lesion)]),
                "quality": quality_table(own.measures, scan.identity),
            },
            own.picture,
        )
    return tables


def _lesion(scan: Scan, image: SpatialImage, path: Path) -> BoolArray | None:
    """Return the lesion mask on the grid of the scan; empty for people without a lesion, None where it is missing."""
    if "lesion" in scan.files:
        return mask_on(scan.files["lesion"], image, path)
    return np.zeros(image.shape[:3], dtype=bool) if scan.expected_side == "none" else None


def _side(
    scan: Scan, lesion: BoolArray | None, image: SpatialImage, x: FloatArray, plan: ImagingPlan
) -> tuple[str | None, str]:
    """Return the side of the lesion that holds, and what should be known about it."""
    if lesion is None:
        return scan.expected_side, "there is no lesion mask: the side of the lesion is that of participants"
    where = scan.files["lesion"].name if "lesion" in scan.files else scan.name
    return side_of_scan(
        measure_lesion(lesion, x, voxel_ml(image.affine)), scan.expected_side, plan.trust, where
    )


def _regions(scan: Scan, image: SpatialImage, path: Path, x: FloatArray) -> dict[tuple[str, str], Any]:
    found = {}
    for region in REGIONS:
        for hemisphere in HEMISPHERES:
            wanted = f"*_hemi-{LETTERS[hemisphere]}_*_label-{region.upper()}_mask.nii.gz"
            file = file_of(scan.files, f"{region}_{hemisphere}", scan.folder, wanted)
            weights = weights_on(file, image, path)
            check_region_side(weights >= 1 / 2, x, hemisphere, file.name)
            found[region, hemisphere] = weights
    return found
