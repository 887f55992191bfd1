"""Time a diffusion scan with a transform at hand against reading and unzipping it: one process, warm, without the picture.

Run from the top folder: ``python benchmarks/dwi_scan.py`` (``--turns 3``). The scan is simulated at full size and written
as it would come from QSIPrep: image, gradients, brain and lesion mask, and a transform to the space of an atlas. It
prints seconds and the ratio, and judges nothing.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel
import numpy as np
import pandas as pd

from neurotrial.extract.bids.finding import find_scans
from neurotrial.extract.dwi_scan import open_dwi
from neurotrial.extract.visits import participant
from neurotrial.imaging_plan import ImagingPlan, RegionPlan
from neurotrial.simulation.protocols import PRESETS
from neurotrial.simulation.scan_files import DERIVATIVE, write_dwi_scan
from neurotrial.simulation.scans import make_dwi_scan, scan_rng
from neurotrial.simulation.tissue import Pathology

if TYPE_CHECKING:
    from neurotrial.extract.bids.scans import Scan

TRANSFORM = (
    "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
    "Parameters: 1.02 0.01 0 -0.01 0.98 0 0 0 1.01 1 -2 3\nFixedParameters: 0 0 0\n"
)


def written(folder: Path) -> tuple[Scan, ImagingPlan]:
    """Write a simulated scan, an atlas made of its regions, and a transform."""
    scan = make_dwi_scan(PRESETS["full"], Pathology("left", 40.0, 0.7, 0.97), scan_rng(1, 1, 0, "dwi"))
    files = write_dwi_scan(folder / "bids", "sub-001", "01", scan)
    (folder / "bids" / "dataset_description.json").write_text(
        '{"Name": "x", "BIDSVersion": "1.9.0"}', encoding="utf-8"
    )
    labels, rows = None, []
    for path in files:
        if "_hemi-" not in path.name:
            continue
        image = nibabel.load(path)
        mask = np.asanyarray(image.dataobj) > 0
        labels = np.zeros(mask.shape, np.uint8) if labels is None else labels
        region = path.name.partition("_label-")[2].partition("_")[0].lower()
        hemisphere = {"L": "left", "R": "right"}[path.name.partition("_hemi-")[2][0]]
        rows.append({"value": len(rows) + 1, "structure": region, "hemisphere": hemisphere})
        labels[mask & (labels == 0 if region == "cst" else mask)] = len(rows)
        path.unlink()
    nibabel.save(nibabel.Nifti1Image(labels, image.affine), folder / "mine.nii.gz")
    pd.DataFrame(rows).to_csv(folder / "mine.tsv", sep="\t", index=False)
    anat = folder / "bids" / DERIVATIVE / "sub-001" / "ses-01" / "anat"
    anat.mkdir()
    name = "sub-001_ses-01_from-MNI152NLin6Asym_to-ACPC_mode-image_xfm.txt"
    (anat / name).write_text(TRANSFORM, encoding="utf-8")
    plan = ImagingPlan(
        derivatives=[DERIVATIVE],
        sessions={"01": "baseline"},
        regions=RegionPlan(atlas="mine.nii.gz", labels="mine.tsv"),
    )
    people = pd.DataFrame({"participant_id": ["sub-001"], "lesion_side": ["left"]})
    scans, _ = find_scans(plan, folder, people)
    return next(one for one in scans if one.modality == "dwi"), plan


def measured(scan: Scan, plan: ImagingPlan, folder: Path) -> None:
    """Do what the extraction does with a scan: both steps, without the picture."""
    opened = open_dwi(scan, plan)
    transforms = {scan.name: scan.files["from_template"]}
    participant.measure_visits(
        [opened.maps], plan, folder, baseline="baseline", transforms=transforms, simulated=True
    )


def seconds(work: Callable[[], object], turns: int) -> float:
    """Return the median time of some turns, after one that warms up."""
    work()
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    participant.draw_dwi = lambda *_, **__: b""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scan, plan = written(folder)
        path = scan.files["dwi"]
        shape = nibabel.load(path).shape
        reading = seconds(lambda: np.asanyarray(nibabel.load(path).dataobj), turns)
        ours = seconds(lambda: measured(scan, plan, folder), turns)
    print(f"scan of {' x '.join(map(str, shape))}")
    print(f"reading and unzipping: {reading:.2f} s; the whole scan: {ours:.2f} s")
    print(
        f"over the time of reading: {ours / reading:.2f}; limit 1.5 times reading and 1 s: {1.5 * reading + 1:.2f} s"
    )


if __name__ == "__main__":
    main()
