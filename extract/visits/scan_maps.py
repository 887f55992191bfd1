"""What one diffusion scan leaves for the step that needs every visit of its participant: maps and masks on its grid."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.images import world_x

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

__all__ = ["MAPS", "ScanMaps", "maps_bytes", "read_maps"]

MAPS = "maps.npz"
"""Name of the file in the shard of a scan."""

_REGION, _SCALAR = "region", "scalar"
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
FloatArray = np.ndarray[Any, np.dtype[np.float32]]
RegionWeights = Mapping[tuple[str, str], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class ScanMaps:
    """Maps and masks of one diffusion scan.

    Attributes
    ----------
    name : str
        Participant, visit, modality and run.
    visit : str
        When it was made.
    affine : ndarray, shape (4, 4)
        From voxels to mm, first axis to the right.
    brain : ndarray of bool, shape (x, y, z)
        Brain mask.
    lesion : ndarray of bool, shape (x, y, z), or None
        Lesion mask of this scan; None where it has none.
    scalars : mapping of str to ndarray of float32, shape (x, y, z)
        Measures of diffusion, NaN outside the brain mask; diffusivities in um2/ms.
    regions : mapping of (str, str) to ndarray of float32, shape (x, y, z)
        Weight of each voxel, 0 to 1, by region and hemisphere; empty where regions come from an atlas.
    side : str or None
        Side of the lesion that holds for the scan.
    notes, flags : tuple of str
        What should be known about the scan, and what its quality limits flagged.
    """

    name: str
    visit: str
    affine: Any
    brain: BoolArray
    lesion: BoolArray | None
    scalars: Mapping[str, FloatArray]
    regions: RegionWeights
    side: str | None
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def image(self) -> SpatialImage:
        """Fractional anisotropy as an image, 0 outside the brain mask."""
        import nibabel as nib

        return nib.Nifti1Image(np.nan_to_num(self.scalars["fa"]).astype(np.float32), self.affine)

    @property
    def x(self) -> FloatArray:
        """Left-right coordinate of each voxel in mm, negative to the left, shape (x, y, z)."""
        return world_x(self.brain.shape, self.affine)

    @property
    def voxel_mm(self) -> tuple[float, float, float]:
        """Size of a voxel along each axis, in mm."""
        sizes = np.linalg.norm(np.asarray(self.affine)[:3, :3], axis=0)
        return float(sizes[0]), float(sizes[1]), float(sizes[2])

    @property
    def note(self) -> str:
        """Notes and flags in one line, empty where there are none."""
        return "; ".join([*self.notes, *self.flags])


def maps_bytes(maps: ScanMaps) -> bytes:
    """Return the maps as a file of numpy; `read_maps` reads it back.

    Voxels outside the brain mask are not stored: scalars and regions are zero or missing there, masks are whole.
    """
    about = {
        "name": maps.name, "visit": maps.visit, "side": maps.side, "notes": maps.notes,
        "flags": maps.flags, "shape": maps.brain.shape,
    }  # fmt: skip
    arrays = {"brain": np.packbits(maps.brain), "affine": maps.affine}
    if maps.lesion is not None:
        arrays["lesion"] = np.packbits(maps.lesion)
    for name, values in maps.scalars.items():
        arrays[f"{_SCALAR}/{name}"] = values[maps.brain].astype(np.float32)
    for (region, hemisphere), weights in maps.regions.items():
        places = np.flatnonzero(weights)
        arrays[f"{_REGION}/{region}/{hemisphere}/voxels"] = places.astype(np.int64)
        arrays[f"{_REGION}/{region}/{hemisphere}/weights"] = weights.ravel()[places].astype(np.float32)
    buffer = io.BytesIO()
    np.savez(buffer, about=np.array(json.dumps(about)), **arrays)
    return buffer.getvalue()


def read_maps(source: Path | bytes) -> ScanMaps:
    """Read what `maps_bytes` made."""
    with np.load(io.BytesIO(source) if isinstance(source, bytes) else source) as stored:
        about = json.loads(str(stored["about"]))
        shape = tuple(about["shape"])
        brain = _unpacked(stored["brain"], shape)
        lesion = _unpacked(stored["lesion"], shape) if "lesion" in stored.files else None
        scalars, regions = {}, {}
        for name in stored.files:
            kind, _, rest = name.partition("/")
            if kind == _SCALAR:
                scalars[rest] = np.full(shape, np.nan, dtype=np.float32)
                scalars[rest][brain] = stored[name]
            elif name.endswith("/voxels"):
                region, hemisphere, _ = rest.split("/")
                weights = np.zeros(np.prod(shape), dtype=np.float32)
                weights[stored[name]] = stored[f"{_REGION}/{region}/{hemisphere}/weights"]
                regions[region, hemisphere] = weights.reshape(shape)
        return ScanMaps(
            about["name"], about["visit"], stored["affine"], brain, lesion, scalars, regions,
            about["side"], tuple(about["notes"]), tuple(about["flags"]),
        )  # fmt: skip


def _unpacked(bits: Any, shape: tuple[int, ...]) -> BoolArray:
    return np.unpackbits(bits, count=int(np.prod(shape))).astype(np.bool_).reshape(shape)
