"""Units of work of the extraction: one scan each, then one participant each, with the settings and files that numbers rest on."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial import __version__
from neurotrial.extract.atlases.planned import planned_atlas_file
from neurotrial.extract.nodes.variants import node_files
from neurotrial.extract.visits.scan_maps import MAPS, maps_bytes, read_maps
from neurotrial.runner import Unit, unit_folder
from neurotrial.shards import PICTURE, Shard

if TYPE_CHECKING:
    from neurotrial.extract.bids.scans import Scan
    from neurotrial.imaging_plan import ImagingPlan

__all__ = [
    "code_version",
    "participant_name",
    "participant_picture",
    "participant_unit",
    "scan_unit",
    "software",
]

_LIBRARIES = ("numpy", "scipy", "dipy", "nilearn", "nibabel", "scikit-learn")

_PARTS = {
    "dwi": ("tensor", "raw", "quality", "trust"),
    "bold": ("cleaning", "network", "quality", "trust"),
    "visits": ("regions", "visits", "quality"),
}
"""Parts of the imaging plan that can change the numbers of a step."""

_VISIT_ROLES = {
    "atlas": ("from_template",),
    "streamlines": ("streamlines_cst_left", "streamlines_cst_right"),
    "tract_table": ("tract_table", "tract_counts"),
}
"""Files of a diffusion scan that the step of its participant reads, by what asks for them; the step of the scan reads none."""


def scan_unit(scan: Scan, plan: ImagingPlan, folder: Path, *, simulated: bool) -> Unit:
    """Return the unit of work of a scan that was made.

    Parameters
    ----------
    scan : Scan
        A scan with files.
    plan : ImagingPlan
        How images become measures.
    folder : Path
        The study folder, in which the table of nodes stands.
    simulated : bool
        Whether the picture says that its data are simulated.
    """
    spec = _spec(plan, scan.modality) | {
        "scan": scan.name,
        "expected_side": scan.expected_side,
        "simulated": simulated,
    }
    later = {role for roles in _VISIT_ROLES.values() for role in roles}
    files = {role: path for role, path in scan.files.items() if role not in later}
    if scan.modality == "bold":
        spec |= {"preprocessing": scan.preprocessing, "producer": scan.producer}
        files |= node_files(plan.network, folder)
        work = functools.partial(_bold_work, scan, plan, folder, simulated=simulated)
    else:
        spec |= {
            "preprocessing": scan.preprocessing, "factors": dict(scan.factors), "masks": plan.regions.atlas is None,
        }  # fmt: skip
        work = functools.partial(_dwi_work, scan, plan)
    return Unit(scan.name, files, spec, work)


def participant_unit(
    scans: Sequence[Scan], plan: ImagingPlan, folder: Path, *, baseline: str, simulated: bool
) -> Unit:
    """Return the unit of work that needs every diffusion scan of a participant.

    Parameters
    ----------
    scans : sequence of Scan
        The diffusion scans of one participant that could be opened.
    plan : ImagingPlan
        Regions, and what visits share.
    folder : Path
        The study folder.
    baseline : str
        Name of the baseline visit.
    simulated : bool
        Whether pictures say that their data are simulated.
    """
    from neurotrial.provenance import EXTRACTION_FOLDER

    places = {scan.name: unit_folder(folder / EXTRACTION_FOLDER, scan.name) / MAPS for scan in scans}
    files = dict(places)
    asked = [*plan.regions.secondary, *(["atlas"] if plan.regions.atlas is not None else [])]
    for scan in scans:
        roles = [role for what in asked for role in _VISIT_ROLES[what] if role in scan.files]
        files |= {f"{scan.name} {role}": scan.files[role] for role in roles}
    atlas = None if plan.regions.atlas is None else planned_atlas_file(plan.regions.atlas, folder)
    if atlas is not None:
        files["atlas"] = atlas
    for role in ("labels", "template"):
        named = getattr(plan.regions, role)
        if named is not None and (folder / named).is_file():
            files[role] = folder / named
    makers = {scan.name: scan.makers.get("tract_table", scan.producer) for scan in scans}
    spec = _spec(plan, "visits") | {"makers": makers, "baseline": baseline, "simulated": simulated}
    work = functools.partial(
        _visits_work, list(scans), places, plan, folder, baseline=baseline, simulated=simulated
    )
    return Unit(participant_name(scans[0]), files, spec, work)


def participant_name(scan: Scan) -> str:
    """Return the name of the unit that measures all diffusion scans of a scan's participant."""
    return f"{scan.participant_id}_dwi"


def participant_picture(scan: Scan) -> str:
    """Return the name of the picture of a diffusion scan in the shard of its participant."""
    return f"{scan.name}.png"


def _spec(plan: ImagingPlan, step: str) -> dict[str, Any]:
    values = plan.model_dump(mode="json")
    return {name: values[name] for name in _PARTS[step]}


def _bold_work(scan: Scan, plan: ImagingPlan, folder: Path, *, simulated: bool) -> Shard:
    from neurotrial.extract.bold_scan import extract_bold

    result = extract_bold(scan, plan, folder, simulated=simulated)
    return Shard(result.tables, {PICTURE: result.picture})


def _dwi_work(scan: Scan, plan: ImagingPlan) -> Shard:
    from neurotrial.extract.dwi_scan import open_dwi

    opened = open_dwi(scan, plan)
    return Shard(opened.tables, {MAPS: maps_bytes(opened.maps)})


def _visits_work(
    scans: list[Scan],
    places: dict[str, Path],
    plan: ImagingPlan,
    folder: Path,
    *,
    baseline: str,
    simulated: bool,
) -> Shard:
    import pandas as pd

    from neurotrial.extract.dwi_scan import visit_tables

    maps = [read_maps(places[scan.name]) for scan in scans]
    found = visit_tables(scans, maps, plan, folder, baseline=baseline, simulated=simulated)
    names = next(iter(found.values()))[0]
    tables = {
        name: pd.concat([tables[name] for tables, _ in found.values()], ignore_index=True) for name in names
    }
    return Shard(tables, {participant_picture(scan): found[scan.name][1] for scan in scans})


def software() -> dict[str, Any]:
    """Return what makes the numbers: the toolkit, the digest of this layer's code, and the versions of the libraries."""
    digest = hashlib.blake2b(digest_size=16)
    top = Path(__file__).parent
    for path in sorted(path for suffix in ("py", "toml", "tsv") for path in top.rglob(f"*.{suffix}")):
        digest.update(path.relative_to(top).as_posix().encode() + path.read_bytes())
    versions = {name: version(name) for name in _LIBRARIES}
    return {"neurotrial": __version__, "code_hash": digest.hexdigest(), "versions": versions}


def code_version() -> str:
    """Return `software` as one string: shards made by another are not up to date."""
    return json.dumps(software(), sort_keys=True)
