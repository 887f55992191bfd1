"""Time the reading of nodes against nilearn, a whole resting-state scan against unzipping, and the efficiency of a network.

Run from the top folder: ``python benchmarks/connectivity.py`` (``--turns 3``). A series of 91 x 109 x 91 voxels and 200 volumes in single precision is
made of noise and written plain and gzipped (0.9 GB in a temporary folder). It prints medians of seconds with their ratios, and the memory that
reading takes beyond the interpreter with its imports; bctpy, where it is installed, is the peer of the efficiency. Nothing is judged.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd

from neurotrial.extract.bids.scans import Scan
from neurotrial.extract.bold.volumes import open_volumes
from neurotrial.extract.network.efficiency import global_efficiency
from neurotrial.extract.nodes.node_tables import read_nodes
from neurotrial.extract.nodes.series import node_series
from neurotrial.imaging_plan import ImagingPlan
from neurotrial.simulation.confounds import confounds_table
from neurotrial.simulation.motion import CALM, random_motion
from neurotrial.simulation.protocols import BoldProtocol, Grid

SHAPE, VOLUMES, TR = (91, 109, 91), 200, 2.0
AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
RADIUS = 6.0
PLAN = ImagingPlan.model_validate(
    {"derivatives": ["x"], "sessions": {"01": "baseline"}, "network": {"nodes": "seitzman_motor12"}}
)

MEMORY = """
import json, sys
import nibabel, nilearn.maskers, scipy.sparse, pandas
from neurotrial.extract import node_series, read_nodes
from neurotrial.extract.bold.one_pass import read_pass
from neurotrial.extract.bold.opening import open_scan
from neurotrial.extract.bold.volumes import open_volumes
from neurotrial.extract.nodes.spheres import sphere_voxels
from neurotrial.extract.images import mask_on
from pathlib import Path
def memory(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the imports
before = memory("VmRSS:")
stream = open_volumes(sys.argv[1])
brain = mask_on(Path(sys.argv[2]), stream, Path(sys.argv[1]))
voxels = sphere_voxels(read_nodes("seitzman_motor12"), stream.shape, stream.affine, brain=brain)
read_pass(stream, {"nodes": voxels.voxels}, brain=brain)
print(json.dumps(memory("VmHWM:") - before))
"""


def written(folder: Path) -> dict[str, Path]:
    """Write a series of noise, its mask, and its confounds."""
    rng = np.random.default_rng(0)
    axes = np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij")
    brain = (
        sum(
            ((axis - middle) / half) ** 2
            for axis, middle, half in zip(axes, (45, 54, 45), (34, 44, 36), strict=True)
        )
        < 1
    )
    data = np.zeros((*SHAPE, VOLUMES), np.float32, order="F")
    for volume in range(VOLUMES):
        data[..., volume][brain] = rng.normal(1000, 20, brain.sum())
    files = {"plain": folder / "bold.nii", "bold": folder / "bold.nii.gz", "brain": folder / "mask.nii.gz"}
    image = nibabel.Nifti1Image(data, AFFINE)
    image.header.set_zooms((2, 2, 2, TR))
    for name in ("plain", "bold"):
        nibabel.save(image, files[name])
    nibabel.save(nibabel.Nifti1Image(brain.astype(np.uint8), AFFINE), files["brain"])
    motion = random_motion(BoldProtocol(Grid(SHAPE, 2.0, (0, 0, 0)), VOLUMES, TR), rng, CALM)
    files["confounds"] = folder / "confounds.tsv"
    confounds_table(motion).to_csv(files["confounds"], sep="\t", index=False, na_rep="n/a")
    return files


def seconds(turns: int, *ways: Callable[[], Any]) -> list[float]:
    """Return the median time of each way; turns alternate, after one that does not count."""
    found: list[list[float]] = [[] for _ in ways]
    for turn in range(turns + 1):
        for own, way in zip(found, ways, strict=True):
            start = time.perf_counter()
            way()
            if turn:
                own.append(time.perf_counter() - start)
    return [statistics.median(own) for own in found]


def against_nilearn(files: dict[str, Path], turns: int) -> None:
    """Compare the means of 12 spheres."""
    from nilearn.maskers import NiftiSpheresMasker

    nodes = read_nodes("seitzman_motor12").assign(radius_mm=RADIUS)
    points = nodes[["x", "y", "z"]].to_numpy().tolist()
    for name in ("plain", "bold"):
        path = files[name]

        def _theirs(path: Path = path) -> Any:
            return NiftiSpheresMasker(
                points, radius=RADIUS, allow_overlap=True, standardize=None
            ).fit_transform(str(path))

        own, theirs = seconds(turns, lambda path=path: node_series(path, nodes), _theirs)  # type: ignore[misc]
        apart = np.abs(node_series(path, nodes).series / _theirs() - 1).max()
        print(
            f"12 spheres from {path.name}: {own:.3f} s, NiftiSpheresMasker {theirs:.2f} s, {theirs / own:.0f} x; largest relative difference {apart:.1e}"
        )


def against_unzipping(files: dict[str, Path], turns: int) -> None:
    """Compare a whole scan, without its picture, with unzipping its image."""
    from neurotrial.extract import bold_scan

    folder = files["bold"].parent
    scan = Scan(
        "sub-1",
        "baseline",
        None,
        "bold",
        {key: files[key] for key in ("bold", "confounds", "brain")},
        "none",
        folder,
        "full",
    )
    bold_scan.draw_bold = lambda *_, **__: b""  # type: ignore[assignment]

    def _unzip() -> None:
        for _ in open_volumes(files["bold"]).volumes():
            pass

    whole, plain = seconds(turns, lambda: bold_scan.extract_bold(scan, PLAN, folder, simulated=True), _unzip)
    print(f"a scan from {files['bold'].name}: {whole:.2f} s, unzipping {plain:.2f} s, {whole / plain:.2f} x")
    swept = PLAN.model_copy(update={
        "cleaning": PLAN.cleaning.model_copy(update={"sensitivity": ["6p", "none"]}),
        "network": PLAN.network.model_copy(update={"sensitivity": PLAN.network.sensitivity.model_copy(update={"radii_mm": [5.0, 8.0]})}),
    })  # fmt: skip
    many, plain = seconds(turns, lambda: bold_scan.extract_bold(scan, swept, folder, simulated=True), _unzip)
    print(f"the same with 3 strategies x 3 radii: {many:.2f} s, {many / plain:.2f} x unzipping")


def memory(files: dict[str, Path]) -> None:
    """Print the memory that reading takes."""
    if not Path("/proc/self/clear_refs").exists():
        print("memory: this system does not tell it")
        return
    command = [sys.executable, "-W", "ignore", "-c", MEMORY, str(files["bold"]), str(files["brain"])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    print(f"memory of reading beyond the interpreter with its imports: {json.loads(done.stdout):.0f} MB")


def efficiency(turns: int) -> None:
    """Compare the weighted global efficiency of 100 nodes."""
    weights = np.random.default_rng(0).random((100, 100))
    weights = (weights + weights.T) / 2
    np.fill_diagonal(weights, 0)
    try:
        import bct
    except ImportError:
        print("efficiency: bctpy is not installed, there is no peer")
        return
    own, theirs = seconds(turns, lambda: global_efficiency(weights), lambda: bct.efficiency_wei(weights))
    apart = abs(global_efficiency(weights) - bct.efficiency_wei(weights))
    print(
        f"global efficiency of 100 nodes: {1000 * own:.2f} ms, bctpy {1000 * theirs:.0f} ms, {theirs / own:.0f} x; difference {apart:.1e}"
    )


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    turns = parser.parse_args().turns
    warnings.simplefilter("ignore")
    pd.set_option("display.width", 200)
    efficiency(turns)
    with tempfile.TemporaryDirectory() as name:
        files = written(Path(name))
        against_nilearn(files, turns)
        against_unzipping(files, turns)
        memory(files)


if __name__ == "__main__":
    main()
