"""How a scan was acquired and prepared: the columns that harmonisation between sites and scanners needs."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

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
        Its file; the sidecar stands beside it.
    protocol : str
        What makes the protocol, apart from the size of the voxels.

    Returns
    -------
    dict
        Columns of the contract. Scanner, software and coil are those of the sidecar; the site, and a scanner that it
        does not name, come from `participants` when the tables are put together.
    """
    sidecar = _sidecar(path)
    voxel = np.linalg.norm(np.asarray(image.affine)[:3, :3], axis=0)
    text = json.dumps([protocol, [round(float(size), 2) for size in voxel], sidecar.get("RepetitionTime")])
    space = re.search(r"_space-([A-Za-z0-9]+)", path.name)
    return {
        **scan.identity,
        **{name: _joined(sidecar, fields) for name, fields in _SIDECAR.items()},
        "protocol_hash": hashlib.blake2b(text.encode(), digest_size=_DIGITS // 2).hexdigest(),
        "producer": scan.producer or None,
        "preprocessing": scan.preprocessing or "full",
        "space": space[1] if space else None,
        "voxel_mm3": float(voxel.prod()),
        "n_volumes": int(image.shape[3]) if len(image.shape) > 3 else None,  # noqa: PLR2004 - volumes are the fourth axis
    }


def _sidecar(path: Path) -> dict[str, Any]:
    """Return the JSON beside an image, nothing where there is none that can be read."""
    try:
        content = json.loads(
            path.with_name(f"{path.name.partition('.')[0]}.json").read_text(encoding="utf-8")
        )
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _joined(sidecar: dict[str, Any], fields: tuple[str, ...]) -> str | None:
    return " ".join(str(sidecar[name]) for name in fields if name in sidecar) or None
