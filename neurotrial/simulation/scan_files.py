"""Files of simulated scans, named as derivatives of a BIDS dataset."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.simulation.nifti import write_nifti

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neurotrial.simulation.nifti import Space
    from neurotrial.simulation.scans import BoldScan, DwiScan

__all__ = ["DERIVATIVE", "json_text", "write_bold_scan", "write_dwi_scan"]

Bools = np.ndarray[Any, np.dtype[np.bool_]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

DERIVATIVE = "derivatives/simulated"
_SIDECAR = {"Simulated": True, "SkullStripped": True}
_FSL_X = np.array([-1.0, 1.0, 1.0])
"""FSL counts x from right to left where the affine has a positive determinant."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the files of a scan stand, and what their names begin with."""

    folder: Path
    prefix: str
    space: Space

    def file(self, name: str) -> Path:
        return self.folder / f"{self.prefix}_{name}"

    def text(self, name: str, text: str) -> Path:
        path = self.file(name)
        path.write_text(text, encoding="utf-8", newline="\n")
        return path


def write_dwi_scan(
    root: Path, participant_id: str, session: str, scan: DwiScan, run: int | None = None
) -> list[Path]:
    """Write a diffusion-weighted scan with its gradients and masks.

    Parameters
    ----------
    root : Path
        The BIDS dataset; the scan goes into its ``derivatives/simulated``.
    participant_id : str
        E.g. ``sub-001``.
    session : str
        Label of the session, e.g. ``01``.
    scan : DwiScan
    run : int, optional
        Where a session has more than one run.

    Returns
    -------
    list of Path
        Image, b-values (s/mm2), directions (convention of FSL: x counts from right to left), sidecar, and masks of brain,
        regions and lesion.
    """
    place = _place(root, participant_id, session, "dwi", run, "ACPC")
    masks = {f"space-{place.space}_desc-brain": _everywhere(scan)}
    for (label, letter), region in scan.head.regions.items():
        masks[f"hemi-{letter}_space-{place.space}_label-{label}"] = region
    masks[f"space-{place.space}_label-lesion"] = scan.lesion
    image = f"space-{place.space}_desc-preproc_dwi"
    return [
        _write_image(place, image, scan),
        place.text(f"{image}.bval", _rows(scan.protocol.bvals[None], "g")),
        place.text(f"{image}.bvec", _rows((scan.protocol.bvecs * _FSL_X).T + 0.0, ".8f")),
        place.text(f"{image}.json", json_text(_SIDECAR)),
        *_write_masks(place, masks, scan),
    ]


def write_bold_scan(
    root: Path, participant_id: str, session: str, scan: BoldScan, run: int | None = None
) -> list[Path]:
    """Write a resting-state scan with its confounds and masks.

    Parameters
    ----------
    root, participant_id, session, run
        As for `write_dwi_scan`.
    scan : BoldScan

    Returns
    -------
    list of Path
        Image, sidecar (RepetitionTime in s), confounds and their sidecar, and masks of brain and lesion.
    """
    place = _place(root, participant_id, session, "func", run, "MNI152NLin2009cAsym")
    lesion = {f"space-{place.space}_label-lesion": scan.lesion}
    series = _Place(place.folder, _with_task(place.prefix), place.space)
    image = f"space-{place.space}_desc-preproc_bold"
    sidecar = _SIDECAR | {"RepetitionTime": scan.protocol.t_r, "TaskName": "rest"}
    table = scan.confounds.to_csv(sep="\t", na_rep="n/a", index=False, lineterminator="\n")
    return [
        _write_image(series, image, scan, scan.protocol.t_r),
        series.text(f"{image}.json", json_text(sidecar)),
        series.text("desc-confounds_timeseries.tsv", table),
        series.text("desc-confounds_timeseries.json", json_text(_CONFOUNDS)),
        *_write_masks(series, {f"space-{place.space}_desc-brain": _everywhere(scan)}, scan),
        *_write_masks(place, lesion, scan),
    ]


_CONFOUNDS = {
    "Simulated": True,
    "framewise_displacement": {"Description": "displacement by Power (2012), radius 50 mm", "Units": "mm"},
    "trans_x": {"Description": "shift along x; so trans_y, trans_z", "Units": "mm"},
    "rot_x": {"Description": "turn about x; so rot_y, rot_z", "Units": "rad"},
}


def _place(root: Path, participant_id: str, session: str, kind: str, run: int | None, space: Space) -> _Place:
    folder = root / DERIVATIVE / participant_id / f"ses-{session}" / kind
    folder.mkdir(parents=True, exist_ok=True)
    entities = [participant_id, f"ses-{session}", *([] if run is None else [f"run-{run}"])]
    return _Place(folder, "_".join(entities), space)


def _with_task(prefix: str) -> str:
    """Put the task where BIDS wants it: after the session, before the run."""
    scan, run, number = prefix.partition("_run-")
    return f"{scan}_task-rest{run}{number}"


def _everywhere(scan: DwiScan | BoldScan) -> Bools:
    return np.ones(len(scan.head.voxels), dtype=np.bool_)


def _write_image(place: _Place, name: str, scan: DwiScan | BoldScan, seconds: float = 0.0) -> Path:
    head = scan.head
    volume = head.grid.volume(head.voxels, scan.signal)
    return write_nifti(place.file(f"{name}.nii.gz"), volume, head.grid, place.space, seconds)


def _write_masks(place: _Place, masks: Mapping[str, Bools], scan: DwiScan | BoldScan) -> list[Path]:
    head = scan.head
    return [
        write_nifti(
            place.file(f"{name}_mask.nii.gz"),
            head.grid.volume(head.voxels, mask.astype(np.uint8)),
            head.grid,
            place.space,
        )
        for name, mask in masks.items()
    ]


def _rows(values: Floats, style: str) -> str:
    return "".join(" ".join(format(value, style) for value in row) + "\n" for row in values)


def json_text(values: Mapping[str, Any]) -> str:
    """Return JSON with an end of line."""
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
