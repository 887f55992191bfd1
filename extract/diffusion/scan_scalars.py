"""From the files of a diffusion scan to its scalars: by a fit of our own, after minimal preprocessing, or maps that others made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import InputError
from neurotrial.extract.bids.maps import check_unit
from neurotrial.extract.diffusion.dwi_confounds import read_displacement
from neurotrial.extract.diffusion.gradients import read_gradients
from neurotrial.extract.diffusion.motion import framewise_displacement, on_axes
from neurotrial.extract.diffusion.raw_scan import prepare_raw
from neurotrial.extract.diffusion.scalars import SCALARS
from neurotrial.extract.diffusion.tensor import fit_scan
from neurotrial.extract.images import check_grid, file_of, image_data, mask_on, read_image, voxels_in
from neurotrial.extract.quality import Measure, dwi_measures
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.bids.scans import Scan
    from neurotrial.extract.diffusion.gradients import Gradients
    from neurotrial.extract.diffusion.raw_scan import RawScan
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
    notes: tuple[str, ...] = ()
    more: list[Measure] = []
    if scan.preprocessing == "minimal":
        raw = _prepared(data, gradients, image, scan, plan)
        data, brain, gradients = raw.signal, raw.brain, replace(gradients, bvecs=raw.bvecs)
        displacement = None if raw.motion is None else framewise_displacement(raw.motion)
        notes, more = (_MINIMAL,), [Measure("minimal_preprocessing", 1, "", 0)]
    else:
        brain = mask_on(file_of(scan.files, "brain", scan.folder, "*_desc-brain_mask.nii.gz"), image, path)
        displacement = read_displacement(scan.files["confounds"]) if "confounds" in scan.files else None
    if not brain.any():
        where = scan.files.get("brain", path).name
        raise ScanFault(where, "is an empty mask", "make the brain mask again")
    signal = voxels_in(data, brain)
    fit = fit_scan(signal, gradients, plan.tensor.fit)
    scalars = {name: _map(values, brain) for name, values in fit.scalars.items()}
    measures = [*dwi_measures(signal, fit, displacement, plan.quality), *more]
    shells = sorted({round(float(b), -2) for b in gradients.bvals})
    return ScanScalars(image, brain, scalars, measures, notes, f"{image.shape[3]} volumes, b {shells}")


def _prepared(data: Any, gradients: Gradients, image: SpatialImage, scan: Scan, plan: ImagingPlan) -> RawScan:
    """Do what is honest to a raw scan; directions are brought to the axes of the canonical image first."""
    import nibabel as nib

    path = scan.files["dwi"]
    file: Any = nib.load(path)
    brain = mask_on(scan.files["brain"], image, path) if "brain" in scan.files else None
    vectors = on_axes(gradients.bvecs, file.affine, image.affine)
    try:
        return prepare_raw(
            data, image.affine, gradients.bvals, vectors, brain=brain, denoised=plan.raw.denoise,
            motion_corrected="affine" if plan.raw.motion else None, b0_threshold=plan.tensor.b0_threshold,
        )  # fmt: skip
    except InputError as error:
        problem = error.problems[0]
        raise ScanFault(path.name, problem.rule, problem.remedy) from None


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
