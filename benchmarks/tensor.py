"""Time the weighted least squares tensor against dipy and, where its commands are on the path, MRtrix3, in one run.

Run from the top folder: ``python benchmarks/tensor.py``; with ``OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1`` before it every program has one thread.
100,000 voxels, one unweighted volume and 64 of b = 1000. The programs take turns; medians are printed and nothing is judged. MRtrix3 reads the
signal from a file and writes the tensor to one, on the memory disk where there is one; the time of its processes is whole.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
from dipy.core.gradients import gradient_table
from dipy.reconst.dti import TensorModel

from neurotrial.extract import fit_tensor
from neurotrial.simulation.protocols import DwiProtocol, Grid

REPEATS = 5
VOXELS = 100_000
SNR = 25
PROTOCOL = DwiProtocol(Grid((1, 1, 1), 1.0, (0.0, 0.0, 0.0)), n_b0=1, n_directions=64)
SCALARS = ("fa", "md", "ad", "rd")


def noisy_signal() -> np.ndarray:
    """Return Rician signal of fibres in all directions, shape (voxels, volumes)."""
    rng = np.random.default_rng(1)
    along = rng.normal(size=(VOXELS, 3))
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    axial = rng.uniform(0.8, 2.0, (VOXELS, 1))
    radial = axial * rng.uniform(0.1, 0.9, (VOXELS, 1))
    weighting = radial + (axial - radial) * (along @ PROTOCOL.bvecs.T) ** 2
    signal = 1000 * np.exp(-PROTOCOL.bvals / 1000 * weighting)
    real, imaginary = rng.normal(0, 1000 / SNR, (2, *signal.shape))
    return np.hypot(signal + real, imaginary).astype(np.float32)


def by_dipy(signal: np.ndarray) -> list[np.ndarray]:
    """Return FA, MD, AD and RD by dipy."""
    fit = TensorModel(gradient_table(PROTOCOL.bvals, bvecs=PROTOCOL.bvecs)).fit(signal)
    return [fit.fa, 1000 * fit.md, 1000 * fit.ad, 1000 * fit.rd]


def by_mrtrix(folder: Path) -> Callable[[], object]:
    """Return a call of MRtrix3's weighted least squares and its metrics."""
    tensor = (
        "dwi2tensor",
        "-quiet",
        "-force",
        "-iter",
        "0",
        "-fslgrad",
        "bvecs",
        "bvals",
        "dwi.nii",
        "dt.nii",
    )
    outputs = ("-fa", "fa.nii", "-adc", "md.nii", "-ad", "ad.nii", "-rd", "rd.nii")
    commands = (tensor, ("tensor2metric", "-quiet", "-force", "dt.nii", *outputs))

    def call() -> None:
        for command in commands:
            subprocess.run(command, cwd=folder, check=True)  # noqa: S603 - commands written above

    return call


def write_scan(signal: np.ndarray, folder: Path) -> None:
    """Write the signal where MRtrix3 finds it."""
    image = nibabel.Nifti1Image(signal.reshape(100, 100, 10, -1), np.eye(4))
    nibabel.save(image, folder / "dwi.nii")
    np.savetxt(folder / "bvals", PROTOCOL.bvals[None], fmt="%g")
    np.savetxt(folder / "bvecs", PROTOCOL.bvecs.T, fmt="%.9f")


def seconds(call: Callable[[], object]) -> float:
    """Return the time of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Print everything."""
    warnings.simplefilter("ignore")  # dipy tells of its defaults
    signal = noisy_signal()
    calls: dict[str, Callable[[], object]] = {
        "fit_tensor wls": lambda: fit_tensor(signal, PROTOCOL.bvals, PROTOCOL.bvecs),
        "fit_tensor ols": lambda: fit_tensor(signal, PROTOCOL.bvals, PROTOCOL.bvecs, method="ols"),
        "fit_tensor iwls": lambda: fit_tensor(signal, PROTOCOL.bvals, PROTOCOL.bvecs, method="iwls"),
        "dipy WLS": lambda: by_dipy(signal),
    }
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        if shutil.which("dwi2tensor"):
            write_scan(signal, Path(name))
            calls["MRtrix3 WLS, with process and files"] = by_mrtrix(Path(name))
        else:
            print("MRtrix3 is not installed: it is left out")
        for call in calls.values():
            call()
        rounds = [{what: seconds(call) for what, call in calls.items()} for _ in range(REPEATS)]
    for what in calls:
        own = statistics.median(taken[what] for taken in rounds)
        ratio = statistics.median(taken[what] / taken["fit_tensor wls"] for taken in rounds)
        print(f"{what:<40}{own:8.3f} s   {ratio:6.2f} x fit_tensor wls")
    # dipy keeps the logarithm in the precision of the signal
    pairs = zip(
        fit_tensor(signal, PROTOCOL.bvals, PROTOCOL.bvecs).scalars.values(),
        by_dipy(signal.astype("float64")),
        strict=True,
    )
    print(
        "largest difference from dipy: "
        + ", ".join(f"{what} {np.abs(a - b).max():.1e}" for what, (a, b) in zip(SCALARS, pairs, strict=True))
    )


if __name__ == "__main__":
    main()
