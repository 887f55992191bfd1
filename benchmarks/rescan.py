"""Scan and rescan of simulated brains: how well each diffusion measure repeats itself, by region and statistic.

Run from the top folder: ``python benchmarks/rescan.py`` (``--people 8 --grid full``). Each simulated person is scanned twice
in one session: the same brain, other noise, the head laid down anew by less than a voxel. Prints the SD within
participants, the smallest detectable change and the intraclass correlation of the extraction's table `repeatability`. It
judges nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from neurotrial.extract.bids.finding import find_scans
from neurotrial.extract.scan import extract_scan
from neurotrial.extract.visits.repeatability import repeatability
from neurotrial.imaging_plan import ImagingPlan
from neurotrial.simulation.protocols import PRESETS, Grid, Preset
from neurotrial.simulation.scan_files import DERIVATIVE, write_dwi_scan
from neurotrial.simulation.scans import make_dwi_scan, scan_rng
from neurotrial.simulation.tissue import Pathology

SHOWN = ("mean", "weighted_mean", "median", "log_ratio")


def moved(preset: Preset, rng: np.random.Generator) -> Preset:
    """Return the preset with its grid laid elsewhere on the head, by at most half a voxel."""
    grid = preset.dwi.grid
    x, y, z = np.array(grid.first_mm) + rng.uniform(-0.5, 0.5, 3) * grid.voxel_mm
    return replace(preset, dwi=replace(preset.dwi, grid=Grid(grid.shape, grid.voxel_mm, (x, y, z))))


def people_twice(folder: Path, people: int, preset: Preset) -> pd.DataFrame:
    """Write two runs of each person, and return the table of people."""
    rows = []
    for number in range(people):
        rng = np.random.default_rng(number)
        side = ("left", "right")[number % 2]
        brain = Pathology(side, float(rng.uniform(10, 80)), float(rng.uniform(0.6, 0.95)), 0.97)
        name = f"sub-{number + 1:03d}"
        for run in (1, 2):
            scan = make_dwi_scan(moved(preset, rng), brain, scan_rng(7, number, run, "dwi"))
            write_dwi_scan(folder / "bids", name, "01", scan, run)
        rows.append({"participant_id": name, "lesion_side": side})
    text = '{"Name": "simulated", "BIDSVersion": "1.9.0"}'
    (folder / "bids" / "dataset_description.json").write_text(text, encoding="utf-8")
    return pd.DataFrame(rows)


def main() -> None:
    """Simulate, extract and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--grid", choices=list(PRESETS), default="small")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        people = people_twice(folder, chosen.people, PRESETS[chosen.grid])
        plan = ImagingPlan(derivatives=[DERIVATIVE], sessions={"01": "baseline"})
        scans, _ = find_scans(plan, folder, people)
        tables = [
            extract_scan(scan, plan, folder, simulated=True).tables["features"]
            for scan in scans
            if scan.modality == "dwi" and scan.files
        ]
    found = repeatability(pd.concat(tables, ignore_index=True))
    rows = found[
        (found["feature"] == "fa") & (found["lesion_policy"] == "include") & found["statistic"].isin(SHOWN)
    ]
    print(f"SIMULATED: {chosen.people} people scanned twice, grid {chosen.grid}")
    columns = [
        "region",
        "side",
        "statistic",
        "n_pairs",
        "mean",
        "within_sd",
        "smallest_detectable_change",
        "icc",
    ]
    print(rows[columns].round(4).to_string(index=False))


if __name__ == "__main__":
    main()
