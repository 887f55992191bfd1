"""Index of a BIDS dataset against those of ancpbids and pybids, where they are installed, in one run.

Run from the top folder: ``python benchmarks/bids_index.py``. It writes a dataset of 200 participants with two sessions, raw images and two
trees of derivatives, into a temporary folder (in memory where the system has /dev/shm), and removes it. Files are empty but for the JSON
sidecars. It prints the best of five readings, of one for pybids, which takes long, with the ratio of their processor
times, which a busy machine does not move much, and judges nothing.
"""

from __future__ import annotations

import importlib.util
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from neurotrial.extract.bids.finding import find_scans
from neurotrial.extract.bids.index import index_dataset
from neurotrial.extract.bids.inventory import scan_inventory
from neurotrial.imaging_plan import ImagingPlan

PARTICIPANTS = 200
SESSIONS = ("01", "02")
REPEATS = 5

RAW = ("anat/{}_T1w.nii.gz", "anat/{}_T1w.json", "dwi/{}_dwi.nii.gz", "dwi/{}_dwi.bval", "dwi/{}_dwi.bvec", "dwi/{}_dwi.json")  # fmt: skip
QSIPREP = (
    *(f"dwi/{{}}_space-ACPC_desc-preproc_dwi.{kind}" for kind in ("nii.gz", "bval", "bvec", "json")),
    "dwi/{}_space-ACPC_desc-brain_mask.nii.gz", "dwi/{}_space-ACPC_label-lesion_mask.nii.gz",
    "dwi/{}_desc-confounds_timeseries.tsv", "dwi/{}_desc-confounds_timeseries.json",
    "anat/{}_from-ACPC_to-MNI152NLin2009cAsym_mode-image_xfm.h5", "anat/{}_from-MNI152NLin2009cAsym_to-ACPC_mode-image_xfm.h5",
)  # fmt: skip
QSIRECON = tuple(
    f"dwi/{{}}_space-ACPC_model-tensor_param-{param}_dwimap.{kind}" for param in ("fa", "md", "rd") for kind in ("nii.gz", "json")
)  # fmt: skip
TREES = {
    ".": (RAW, None),
    "derivatives/qsiprep": (QSIPREP, "QSIPrep"),
    "derivatives/qsirecon": (QSIRECON, "QSIRecon"),
}


def write_dataset(top: Path) -> None:
    """Write the dataset."""
    for name, (patterns, maker) in TREES.items():
        root = top / name
        root.mkdir(parents=True, exist_ok=True)
        made = (
            {"DatasetType": "derivative", "GeneratedBy": [{"Name": maker, "Version": "1.0"}]} if maker else {}
        )
        text = json.dumps({"Name": "benchmark", "BIDSVersion": "1.10.0", **made})
        (root / "dataset_description.json").write_text(text, encoding="utf-8")
        for person in range(1, PARTICIPANTS + 1):
            for session in SESSIONS:
                _write_session(
                    root / f"sub-{person:03}" / f"ses-{session}", f"sub-{person:03}_ses-{session}", patterns
                )
    (top / "participants.tsv").write_text("participant_id\n", encoding="utf-8")
    (top / "README").write_text("Empty files with names of a trial.\n", encoding="utf-8")


def _write_session(folder: Path, stem: str, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        path = folder / pattern.format(stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"Units": "arbitrary"}' if path.suffix == ".json" else "", encoding="utf-8")


def inventory(top: Path) -> pd.DataFrame:
    """Do what ``neurotrial check`` does: find the scans of everybody, and say what is missing."""
    people = pd.DataFrame({"participant_id": [f"sub-{person:03}" for person in range(1, PARTICIPANTS + 1)]})
    plan = ImagingPlan(
        dataset=str(top),
        derivatives=["derivatives/qsiprep", "derivatives/qsirecon"],
        sessions={"01": "baseline", "02": "day90"},
    )
    return scan_inventory(find_scans(plan, top, people)[0])


def ways() -> Iterator[tuple[str, Callable[[Path], object]]]:
    """Yield what is timed."""
    yield "neurotrial index", index_dataset
    yield "neurotrial index, scans and inventory", inventory
    if importlib.util.find_spec("ancpbids"):
        import ancpbids

        yield (
            "ancpbids load and query",
            lambda top: ancpbids.load_dataset(str(top)).query(suffix="dwi", return_type="filename"),
        )
    if importlib.util.find_spec("bids"):
        from bids import BIDSLayout

        yield "pybids, no metadata", lambda top: BIDSLayout(top, derivatives=True, is_derivative=False)


def seconds(work: Callable[[Path], object], top: Path, repeats: int) -> tuple[float, float]:
    """Return wall time and processor time of the reading that took least of the latter."""
    times = []
    for _ in range(repeats):
        wall, own = time.perf_counter(), time.process_time()
        work(top)
        times.append((time.process_time() - own, time.perf_counter() - wall))
    own, wall = min(times)
    return wall, own


def main() -> None:
    """Time every way that is installed."""
    warnings.simplefilter("ignore")
    memory = Path("/dev/shm")  # noqa: S108 - only the folder that holds the temporary one
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        top = Path(folder)
        write_dataset(top)
        index_dataset(top)
        print(f"{sum(path.is_file() for path in top.rglob('*'))} files")
        ours = None
        for name, work in ways():
            wall, own = seconds(work, top, 1 if name.startswith("pybids") else REPEATS)
            ours = ours or own
            print(f"{name:40s} wall {wall:7.3f} s   processor {own:7.3f} s   {own / ours:6.1f} x")


if __name__ == "__main__":
    main()
