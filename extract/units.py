"""Units of work of the extraction: one scan each, with the settings and files that its numbers rest on."""

from __future__ import annotations

import functools
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurotrial import __version__
from neurotrial.extract.scan import extract_scan
from neurotrial.extract.scan_result import ScanFault
from neurotrial.runner import Unit, UnitFault
from neurotrial.shards import Shard

if TYPE_CHECKING:
    from neurotrial.extract.bids.scans import Scan
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["code_version", "scan_unit", "software"]

_LIBRARIES = ("numpy", "scipy", "dipy", "nilearn", "nibabel")

_PARTS = {"dwi": ("tensor", "quality", "trust"), "bold": ("cleaning", "network", "quality", "trust")}
"""Parts of the imaging plan that can change the numbers of a modality."""


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
    values = plan.model_dump(mode="json")
    spec: dict[str, Any] = {name: values[name] for name in _PARTS[scan.modality]}
    spec |= {"scan": scan.name, "expected_side": scan.expected_side, "simulated": simulated}
    files = dict(scan.files)
    if scan.modality == "bold":
        files["nodes"] = folder / plan.network.nodes
    work = functools.partial(_work, scan, plan, folder, simulated=simulated)
    return Unit(scan.name, files, spec, work)


def _work(scan: Scan, plan: ImagingPlan, folder: Path, *, simulated: bool) -> Shard:
    try:
        result = extract_scan(scan, plan, folder, simulated=simulated)
    except ScanFault as fault:
        raise UnitFault(str(fault)) from fault
    return Shard(result.tables, result.picture)


def software() -> dict[str, Any]:
    """Return what makes the numbers: the toolkit, the digest of this layer's code, and the versions of the libraries."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    versions = {name: version(name) for name in _LIBRARIES}
    return {"neurotrial": __version__, "code_hash": digest.hexdigest(), "versions": versions}


def code_version() -> str:
    """Return `software` as one string: shards made by another are not up to date."""
    return json.dumps(software(), sort_keys=True)
