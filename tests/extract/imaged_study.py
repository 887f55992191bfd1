"""What the tests of the extraction do to a copy of the simulated study: find its files, change its plan, measure it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import nibabel
import pandas as pd
from click.testing import CliRunner, Result

from neurotrial.cli import main
from neurotrial.executors import SerialExecutor
from neurotrial.extract.bids.finding import find_scans
from neurotrial.extract.extraction import Extraction, ScanPlan, extract_scans, plan_scans
from neurotrial.loading import load_study
from neurotrial.simulation.brains import correlation_matrix
from neurotrial.simulation.study import default_plan
from neurotrial.simulation.tissue import Pathology

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from neurotrial.extract.bids.scans import Scan


PEOPLE = ("sub-001", "sub-002", "sub-004")
"""Lesions on the left, right and left; the first was scanned at baseline only."""
SCANS = 10
FIRST = ("sub-002", "01")
"""The participant and session that the tests break."""
DERIVATIVE = "derivatives/simulated"
PLAN = default_plan()
STROKE = Pathology("right", 40.0, 0.7, 0.97)
CORRELATION = correlation_matrix(0.22, 0.45, 0.5)


def scan_file(folder: Path, pattern: str, participant: str = FIRST[0], session: str = FIRST[1]) -> Path:
    """Return the one file of a session that fits a pattern such as ``dwi/*.bval``."""
    (path,) = (folder / "bids" / DERIVATIVE / participant / f"ses-{session}").glob(pattern)
    return path


def edit(path: Path, old: str, new: str) -> None:
    """Replace a piece of text that a file has."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def only(folder: Path, participant: str = FIRST[0], session: str = "*") -> None:
    """Remove the images of everybody else, and of other sessions, so that there is less to measure."""
    for path in (folder / "bids" / DERIVATIVE).glob("sub-*/ses-*"):
        if not path.match(f"{participant}/ses-{session}"):
            shutil.rmtree(path)


def save(data: np.ndarray, affine: np.ndarray, path: Path) -> None:
    """Write an image over another."""
    nibabel.save(nibabel.Nifti1Image(data, affine), path)


def planned(folder: Path) -> ScanPlan:
    """Plan the extraction of a study."""
    return plan_scans(load_study(folder, extracted=False))


def extracted(folder: Path, on_error: str = "continue") -> Extraction:
    """Extract a study, one scan after the other."""
    return extract_scans(planned(folder), SerialExecutor(), on_error=on_error)


def command(folder: Path, *options: str) -> Result:
    """Run ``neurotrial extract``; words stand on one line, whatever the width of the terminal."""
    return CliRunner().invoke(main, ["extract", str(folder), "--jobs", "1", *options])


def table(folder: Path, name: str) -> pd.DataFrame:
    """Read a table that the extraction wrote."""
    return pd.read_csv(folder / "tables" / f"{name}.tsv", sep="\t")


def of_scan(
    frame: pd.DataFrame, modality: str, participant: str = FIRST[0], visit: str = "baseline"
) -> pd.DataFrame:
    """Return the rows of one scan."""
    own = (
        (frame["participant_id"] == participant) & (frame["visit"] == visit) & (frame["modality"] == modality)
    )
    return frame[own]


def made(folder: Path, modality: str, participant: str = FIRST[0], visit: str = "baseline") -> Scan:
    """Return a scan of the study with its files."""
    people = pd.read_csv(folder / "tables" / "participants.tsv", sep="\t")
    scans, _ = find_scans(PLAN, folder, people)
    wanted = (participant, visit, modality)
    (scan,) = (scan for scan in scans if (scan.participant_id, scan.visit, scan.modality) == wanted)
    return scan
