"""MRtrix3 on one simulated signal: its numbers are stored, so that it need not be installed; how, says tests/data/README.md."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

from neurotrial.extract import fit_tensor
from neurotrial.extract.diffusion.least_squares import _solve, make_design, make_room
from neurotrial.extract.diffusion.scalars import SCALARS, tensor_scalars
from neurotrial.simulation.protocols import PRESETS

PROTOCOL = PRESETS["full"].dwi
STORED = pd.read_csv(Path(__file__).parents[2] / "data" / "tensor_mrtrix.csv").set_index(["weights", "voxel"])
SINGLE = {"none": 2e-7, "measured": 5e-7, "iterated": 2e-7}
"""MRtrix3 has tensors and metrics, and measured weights too, in single precision: 6e-8 of diffusivities up to 2 um2/ms."""
MRTRIX = shutil.which("dwi2tensor")
OPTIONS = {
    "none": ("-ols", "-iter", "0"),
    "measured": ("-iter", "0"),
    "iterated": ("-ols", "-iter", "3"),
}


def noisy_signal():
    rng = np.random.default_rng(2024)
    along = rng.random((24, 3)) - 0.5
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    radial = 0.2 + 0.6 * rng.random((24, 1))
    axial = radial + 1.2 * rng.random((24, 1))
    decay = np.exp(-PROTOCOL.bvals / 1000 * (radial + (axial - radial) * (along @ PROTOCOL.bvecs.T) ** 2))
    noise = rng.random(decay.shape) + rng.random(decay.shape) - 1
    return np.round(1000 * decay + 60 * noise).astype("int16")


def ours(weights):
    signal = noisy_signal()
    if weights != "measured":
        method = {"none": "ols", "iterated": "iwls"}[weights]
        return np.array(
            list(fit_tensor(signal, PROTOCOL.bvals, PROTOCOL.bvecs, method=method).scalars.values())
        )
    # no method of ours takes the measured signal, which carries its noise into the weights; the equations are the same
    design, room = make_design(PROTOCOL.bvals, PROTOCOL.bvecs), make_room(*signal.T.shape)
    room.logs[:], room.weights[:] = np.log(signal.T), (signal.T / 1000) ** 2
    return tensor_scalars(_solve(room, design)[0][1:], design.lowest)


def test_the_signal_is_the_one_that_mrtrix_had():
    assert noisy_signal().sum() == 518296


@pytest.mark.parametrize("weights", OPTIONS)
def test_least_squares_are_those_of_mrtrix(weights):
    expected = STORED.loc[weights, list(SCALARS)].to_numpy().T
    assert np.allclose(ours(weights), expected, rtol=0, atol=SINGLE[weights])


def test_weights_of_the_predicted_signal_are_between_none_and_iterated_ones():
    found = fit_tensor(noisy_signal(), PROTOCOL.bvals, PROTOCOL.bvecs).fa
    iterated = STORED.loc["iterated", "fa"].to_numpy()
    distances = [
        np.sqrt(np.mean((fa - iterated) ** 2)) for fa in (found, STORED.loc["none", "fa"].to_numpy())
    ]
    assert distances[0] < 0.1 * distances[1]


@pytest.mark.skipif(MRTRIX is None, reason="MRtrix3 is not installed")
@pytest.mark.parametrize("weights", OPTIONS)
def test_the_stored_numbers_are_those_of_the_installed_mrtrix(weights, tmp_path):
    nibabel.save(nibabel.Nifti1Image(noisy_signal()[:, None, None], np.eye(4)), tmp_path / "dwi.nii")
    np.savetxt(tmp_path / "bvals", PROTOCOL.bvals[None], fmt="%g")
    np.savetxt(tmp_path / "bvecs", PROTOCOL.bvecs.T, fmt="%.17g")
    tensor = ("dwi2tensor", "-quiet", "-fslgrad", "bvecs", "bvals", *OPTIONS[weights], "dwi.nii", "dt.nii")
    metrics = ("-fa", "fa.nii", "-adc", "md.nii", "-ad", "ad.nii", "-rd", "rd.nii")
    for command in (tensor, ("tensor2metric", "-quiet", "dt.nii", *metrics)):
        subprocess.run(command, cwd=tmp_path, check=True)
    for name in SCALARS:
        found = np.squeeze(nibabel.load(tmp_path / f"{name}.nii").get_fdata()) * (1 if name == "fa" else 1000)
        assert np.allclose(found, STORED.loc[weights, name], rtol=0, atol=SINGLE[weights])
