"""How a scan was acquired and prepared: the columns that harmonisation between sites and scanners needs."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.bids.index import sidecar
from neurotrial.extract.images import space_of
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from pathlib import Path

    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.bids.scans import Scan

__all__ = ["acquisition_row"]

_SIDECAR = {
    "scanner": ("Manufacturer", "ManufacturersModelName", "MagneticFieldStrength"),
    "software": ("SoftwareVersions",),
    "head_coil": ("ReceiveCoilName",),
}
"""Columns and the fields of BIDS that they are made of."""
_DIGITS = 12


def acquisition_row(scan: Scan, image: SpatialImage, path: Path, protocol: str) -> dict[str, Any]:
    """Return the row of `scans` of one scan.

    Parameters
    ----------
    scan : Scan
        Its files.
    image : SpatialImage
        The image that was measured.
    path : Path
        Its file.
    protocol : str
        What makes the protocol, apart from the size of the voxels.

    Returns
    -------
    dict
        Columns of the contract. Scanner, software and coil are those of the sidecar; the site, and a scanner that it
        does not name, come from `participants` when the tables are put together.
    """
    about = _sidecar(path)
    voxel = np.linalg.norm(np.asarray(image.affine)[:3, :3], axis=0)
    text = json.dumps([protocol, [round(float(size), 2) for size in voxel], about.get("RepetitionTime")])
    return {
        **scan.identity,
        **{name: _joined(about, fields) for name, fields in _SIDECAR.items()},
        "protocol_hash": hashlib.blake2b(text.encode(), digest_size=_DIGITS // 2).hexdigest(),
        "producer": scan.producer or None,
        "preprocessing": scan.preprocessing or "full",
        "space": space_of(path),
        "voxel_mm3": float(voxel.prod()),
        "n_volumes": int(image.shape[3]) if len(image.shape) > 3 else None,  # noqa: PLR2004 - volumes are the fourth axis
    }


def _sidecar(path: Path) -> dict[str, Any]:
    """Return what the JSON files of an image say, nothing where one cannot be read: no number rests on them."""
    try:
        return sidecar({"path": path})
    except ScanFault:
        return {}


def _joined(about: dict[str, Any], fields: tuple[str, ...]) -> str | None:
    return " ".join(str(about[name]) for name in fields if name in about) or None
