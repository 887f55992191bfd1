"""Where the regions of a participant's scans come from: the masks of each scan, or an atlas brought to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial.extract.regions.grid import REGIONS
from neurotrial.extract.sides import HEMISPHERES

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.atlases.atlas import Atlas
    from neurotrial.extract.registration.transform import Transform
    from neurotrial.extract.visits.alignment import Alignment
    from neurotrial.extract.visits.scan_maps import RegionWeights, ScanMaps
    from neurotrial.imaging_plan import RegionPlan

__all__ = ["FoundRegions", "read_planned_atlas", "read_template", "region_method", "regions_of_scans"]


@dataclass(frozen=True, slots=True, eq=False)
class FoundRegions:
    """Regions on the grid of one scan.

    Attributes
    ----------
    weights : mapping of (str, str) to ndarray of float32, shape (x, y, z)
        By region and hemisphere.
    method : str
        Where they come from.
    quality : mapping of str to float
        Of the registration that brought them; empty where none was made.
    note : str
        What should be known about them; empty where nothing is remarkable.
    """

    weights: RegionWeights
    method: str
    quality: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


def regions_of_scans(
    scans: Sequence[ScanMaps],
    alignment: Alignment,
    plan: RegionPlan,
    folder: Path,
    transforms: Mapping[str, Path],
    lesion: Any = None,
) -> dict[str, FoundRegions]:
    """Find the regions of every scan of one participant.

    Parameters
    ----------
    scans : sequence of ScanMaps
        At least one.
    alignment : Alignment
        How they lie to each other.
    plan : RegionPlan
        Atlas and template.
    folder : Path
        What their files are relative to.
    transforms : mapping of str to Path
        Transform of ITK from the space of the atlas to a scan, by the scan's name. Where one is missing, the template is
        registered once to the mean of all scans.
    lesion : ndarray of bool or None
        On the grid of the mean of all scans; the registration leaves it out.

    Returns
    -------
    dict of str to FoundRegions
        By the name of the scan.

    Raises
    ------
    ScanFault
        If a region comes out empty or in the other hemisphere, or the template cannot be registered.
    InputError
        If atlas or template break a rule.
    """
    if plan.atlas is None:
        return {scan.name: FoundRegions(scan.regions, region_method(plan)) for scan in scans}
    from neurotrial.extract.registration.itk import read_transform

    atlas = read_planned_atlas(plan, folder)
    method, names = region_method(plan), _names(atlas, plan)
    found = {}
    to_template: Transform | None = None
    quality: Mapping[str, float] = {}
    for scan in scans:
        if scan.name in transforms:
            path = transforms[scan.name]
            weights = _projected(atlas, read_transform(path), scan, names)
            found[scan.name] = FoundRegions(weights, method, note=_other_space(path, atlas))
            continue
        if to_template is None:
            to_template, quality = _registered(scans, alignment, plan, folder, lesion)
        weights = _projected(atlas, alignment.from_scan(scan).then(to_template), scan, names)
        found[scan.name] = FoundRegions(weights, method, quality)
    return found


def _other_space(path: Path, atlas: Atlas) -> str:
    """Return a note where a transform comes from another template than that of the atlas."""
    said = re.search(r"_from-([A-Za-z0-9]+)_", path.name)
    if said is None or atlas.space is None or said[1] == atlas.space:
        return ""
    return f"the transform comes from {said[1]}, the atlas stands in {atlas.space}"


def region_method(plan: RegionPlan) -> str:
    """Return how the column `method` names where regions come from."""
    if plan.atlas is None:
        return "region_mask"
    return f"atlas_{Path(plan.atlas).name.partition('.')[0]}"


def read_planned_atlas(plan: RegionPlan, folder: Path) -> Atlas:
    """Read the atlas that a study file names: a registered one, or a file in the study folder."""
    from neurotrial.extract.atlases.planned import planned_atlas

    return planned_atlas(str(plan.atlas), folder, labels=plan.labels, repair=plan.repair)


def read_template(plan: RegionPlan, folder: Path) -> SpatialImage:
    """Read the template of a study file; without one, the white matter of the ICBM 2009a template."""
    from neurotrial.extract.images import read_image

    if plan.template is not None:
        return read_image(folder / plan.template, 3)
    import nibabel as nib
    from nilearn.datasets import load_mni152_wm_template

    image: SpatialImage = nib.as_closest_canonical(load_mni152_wm_template(resolution=2))
    return image


def _registered(
    scans: Sequence[ScanMaps], alignment: Alignment, plan: RegionPlan, folder: Path, lesion: Any
) -> tuple[Transform, Mapping[str, float]]:
    """Register the template to the mean of a participant's scans; points of the middle to points of the template."""
    from neurotrial.extract.registration.registering import register

    done = register(read_template(plan, folder), alignment.mean_image(scans), lesion=lesion)
    return done.transform, done.quality


def _names(atlas: Atlas, plan: RegionPlan) -> dict[str, str]:
    """Return what the atlas calls each of our regions."""
    known = {region for region, _ in atlas.regions}
    return {"cst": plan.cst or ("cst_path" if "cst_path" in known else "cst"), "plic": "plic"}


def _projected(atlas: Atlas, transform: Transform, scan: ScanMaps, names: Mapping[str, str]) -> RegionWeights:
    from neurotrial.extract.atlases.projection import project_regions
    from neurotrial.extract.regions.region_side import check_region_side

    places = [(region, hemisphere) for region in REGIONS for hemisphere in HEMISPHERES]
    wanted = {place: (names[place[0]], place[1]) for place in places}
    brought = project_regions(atlas, transform, scan.image, wanted.values())
    weights = {place: brought[own] for place, own in wanted.items()}
    for (region, hemisphere), own in weights.items():
        where = f"{scan.name}: {region} of the atlas {atlas.name}"
        check_region_side(own >= 1 / 2, scan.x, hemisphere, where)
    return weights
