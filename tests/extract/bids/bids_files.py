"""Datasets of empty or tiny files with the names that programs give."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from neurotrial.extract.bids.finding import find_scans
from neurotrial.imaging_plan import ImagingPlan

PEOPLE = pd.DataFrame({"participant_id": ["sub-01", "sub-02"], "lesion_side": ["left", None]})
SESSIONS = {"1": "baseline", "2": "day90"}
QSIPREP = "derivatives/qsiprep"
PREPROCESSED = (
    "space-ACPC_desc-preproc_dwi.nii.gz",
    "space-ACPC_desc-preproc_dwi.bval",
    "space-ACPC_desc-preproc_dwi.bvec",
)


def put(top: Path, *names: str, text: str = "x") -> list[Path]:
    """Write files of a few bytes."""
    paths = [top / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return paths


def describe(folder: Path, maker: str | None = None, **more: object) -> None:
    """Write the description of a dataset or derivative."""
    made = {"GeneratedBy": [{"Name": maker, "Version": "1.0"}], "DatasetType": "derivative"} if maker else {}
    put(
        folder,
        "dataset_description.json",
        text=json.dumps({"Name": "x", "BIDSVersion": "1.10.0", **made, **more}),
    )


def of(participant: str, session: str, *tails: str, datatype: str = "dwi") -> list[str]:
    """Return names of files in a session."""
    return [f"{participant}/ses-{session}/{datatype}/{participant}_ses-{session}_{tail}" for tail in tails]


def dataset(top: Path, root: str = QSIPREP, maker: str | None = "QSIPrep", *tails: str) -> Path:
    """Write a dataset in which both people have a preprocessed image at both sessions, or other files."""
    describe(top)
    describe(top / root, maker)
    for person in PEOPLE["participant_id"]:
        for session in SESSIONS:
            put(top / root, *of(person, session, *(tails or PREPROCESSED)))
    return top


def plan(*derivatives: str, **more: object) -> ImagingPlan:
    """Return the imaging part of a study file."""
    values = {"dataset": ".", "derivatives": list(derivatives or (QSIPREP,)), "sessions": SESSIONS} | more
    return ImagingPlan(**values)


def scans_of(top: Path, *derivatives: str, **more: object):
    """Return the diffusion scans, those of sub-01 at baseline first, and the warnings."""
    scans, warnings = find_scans(plan(*derivatives, **more), top, PEOPLE)
    return [scan for scan in scans if scan.modality == "dwi"], warnings
