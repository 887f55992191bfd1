"""From the files of a diffusion scan to its scalars: by a fit of our own, after minimal preprocessing, or maps that others made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.bids.maps import check_unit
from neurotrial.extract.diffusion.dwi_confounds import read_displacement
from neurotrial.extract.diffusion.gradients import read_gradients
from neurotrial.extract.diffusion.motion import (
    framewise_displacement,
    motion_parameters,
    on_axes,
    rotate_vectors,
)
from neurotrial.extract.diffusion.raw_scan import brain_of, correct_motion, denoise
from neurotrial.extract.diffusion.scalars import SCALARS
from neurotrial.extract.diffusion.tensor import fit_scan
from neurotrial.extract.images import check_grid, file_of, image_data, mask_on, read_image, voxels_in
from neurotrial.extract.quality import Measure, dwi_measures
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.bids.scans import Scan
    from neurotrial.extract.diffusion.gradients import Gradients
    from neurotrial.extract.images import BoolArray
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["ScanScalars", "scan_scalars"]

_MINIMAL = "preprocessing is minimal: susceptibility and eddy currents are not corrected"


@dataclass(frozen=True, slots=True, eq=False)
class ScanScalars:
    """Scalars of a diffusion scan.

    Attributes
    ----------
    image : SpatialImage
        What they stand on.
    brain : ndarray of bool, shape (x, y, z)
        Mask.
    scalars : mapping of str to ndarray of float32, shape (x, y, z)
        NaN outside the mask; diffusivities in um2/ms.
    measures : list of Measure
        Quality of the scan.
    notes : tuple of str
        What should be known about it.
    protocol : str
        Volumes and b-values, for telling protocols apart.
    """

    image: SpatialImage
    brain: BoolArray
    scalars: Mapping[str, Any]
    measures: list[Measure]
    notes: tuple[str, ...] = ()
    protocol: str = ""


def scan_scalars(scan: Scan, plan: ImagingPlan) -> ScanScalars:
    """Make or read the scalars of a diffusion scan.

    Parameters
    ----------
    scan : Scan
        Its files.
    plan : ImagingPlan
        Tensor, preprocessing of raw scans, limits of quality.

    Raises
    ------
    ScanFault
        If a file breaks a rule.
    """
    return _read(scan) if scan.preprocessing == "maps" else _fitted(scan, plan)


def _fitted(scan: Scan, plan: ImagingPlan) -> ScanScalars:
    path = scan.files["dwi"]
    image = read_image(path, 4)
    bval, bvec = (
        file_of(scan.files, role, scan.folder, f"*_desc-preproc_dwi.{role}") for role in ("bval", "bvec")
    )
    gradients = read_gradients(bval, bvec, image.shape[3], plan.tensor)
    data = image_data(image, path)
    displacement = _displacement(scan)
    notes: tuple[str, ...] = ()
    if scan.preprocessing == "minimal":
        data, gradients, displacement = _minimal(data, gradients, image, scan, plan)
        notes = (_MINIMAL,)
    brain = _brain(scan, image, data, gradients)
    signal = voxels_in(data, brain)
    fit = fit_scan(signal, gradients, plan.tensor.fit)
    scalars = {name: _map(values, brain) for name, values in fit.scalars.items()}
    measures = dwi_measures(signal, fit, displacement, plan.quality)
    if scan.preprocessing == "minimal":
        measures.append(Measure("minimal_preprocessing", 1, "", 0))
    shells = sorted({round(float(b), -2) for b in gradients.bvals})
    return ScanScalars(image, brain, scalars, measures, notes, f"{image.shape[3]} volumes, b {shells}")


def _minimal(
    data: Any, gradients: Gradients, image: SpatialImage, scan: Scan, plan: ImagingPlan
) -> tuple[Any, Gradients, Any]:
    """Do what is honest to a raw scan; return signal, turned gradients, and displacement in mm."""
    bvals, limit = gradients.bvals, plan.tensor.b0_threshold
    if plan.raw.denoise:
        data = denoise(data, bvals, b0_threshold=limit)
    if not plan.raw.motion:
        return data, gradients, None
    import nibabel as nib

    file: Any = nib.load(scan.files["dwi"])
    vectors = on_axes(gradients.bvecs, file.affine, image.affine)
    moved, transforms = correct_motion(data, image.affine, bvals, b0_threshold=limit)
    turned = replace(gradients, bvecs=rotate_vectors(vectors, transforms, image.affine))
    middle = image.affine @ [*(np.array(image.shape[:3]) - 1) / 2, 1]
    return moved, turned, framewise_displacement(motion_parameters(transforms, middle[:3]))


def _displacement(scan: Scan) -> Any:
    """Return the displacement of each volume in mm that the producer measured, None where it gives none."""
    return read_displacement(scan.files["confounds"]) if "confounds" in scan.files else None


def _brain(scan: Scan, image: SpatialImage, data: Any, gradients: Gradients) -> BoolArray:
    if "brain" not in scan.files and scan.preprocessing == "minimal":
        brain = brain_of(data, image.affine, gradients.bvals)
    else:
        brain = mask_on(
            file_of(scan.files, "brain", scan.folder, "*_desc-brain_mask.nii.gz"), image, scan.files["dwi"]
        )
    if not brain.any():
        where = scan.files.get("brain", scan.files["dwi"]).name
        raise ScanFault(where, "is an empty mask", "make the brain mask again")
    return brain


def _read(scan: Scan) -> ScanScalars:
    """Read the maps that others made, in the units of their producer."""
    first = scan.files["fa"]
    image = read_image(first, 3)
    maps = {}
    for name in (*SCALARS, "l2", "l3"):
        if name not in scan.files:
            continue
        path = scan.files[name]
        own = read_image(path, 3)
        check_grid(own, path, image, first)
        maps[name] = image_data(own, path) * np.float32(scan.factors.get(name, 1.0))
        check_unit(maps[name], name, path.name)
    notes: tuple[str, ...] = ()
    if "brain" in scan.files:
        brain = mask_on(scan.files["brain"], image, first)
    else:
        brain, notes = (
            np.asarray(maps["fa"] > 0),
            ("there is no brain mask: where FA is above 0 is the brain",),
        )
    if "rd" not in maps and {"l2", "l3"} <= maps.keys():
        maps["rd"] = (maps["l2"] + maps["l3"]) / 2
    scalars = {name: np.where(brain, maps.get(name, np.nan), np.nan).astype(np.float32) for name in SCALARS}
    lacking = [name for name in SCALARS if name not in maps]
    if lacking:
        notes += (f"there is no map of {', '.join(lacking)}",)
    measures = [Measure("fa_median", float(np.nanmedian(scalars["fa"])), "FA")]
    return ScanScalars(image, brain, scalars, measures, notes, "maps")


def _map(values: Any, brain: BoolArray) -> Any:
    filled = np.full(brain.shape, np.nan, dtype=np.float32)
    filled[brain] = values
    return filled
