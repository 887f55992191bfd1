from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from dipy.core.gradients import gradient_table
from dipy.reconst.dti import TensorModel
from dipy.sims.voxel import multi_tensor

from neurotrial.errors import InputError
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.diffusion import (
    diffusion_signal,
    noise_sd,
    rician,
    roi_voxels,
    simulate_dwi,
)
from neurotrial.simulation.protocols import PRESETS, DwiProtocol
from neurotrial.simulation.tissue import Pathology, tissue

PROTOCOL = PRESETS["small"].dwi
HEAD = Anatomy().on(PROTOCOL.grid)
STROKE = Pathology("left", 60.0, 0.8, 0.97)


def fit(signal):
    return TensorModel(gradient_table(PROTOCOL.bvals, bvecs=PROTOCOL.bvecs)).fit(signal.astype("float64"))


def test_directions_are_unit_vectors_spread_over_the_half_sphere():
    weighted = PROTOCOL.bvecs[PROTOCOL.bvals > 0]
    assert np.allclose(np.linalg.norm(weighted, axis=1), 1, rtol=0, atol=1e-12)
    assert (PROTOCOL.bvecs[PROTOCOL.bvals == 0] == 0).all()
    # an even spread has a scatter matrix of I / 3; 20 directions come within a few hundredths
    assert np.allclose(weighted.T @ weighted / len(weighted), np.eye(3) / 3, rtol=0, atol=0.03)


def test_the_signal_is_that_of_dipy():
    properties = tissue(HEAD, STROKE)
    clean = diffusion_signal(properties, PROTOCOL)
    gradients = gradient_table(PROTOCOL.bvals, bvecs=PROTOCOL.bvecs)
    crossing = (properties.fractions > 0).sum(axis=1)
    chosen = [row for count in range(3) for row in np.flatnonzero(crossing == count)[::7][:12]]
    assert set(crossing[chosen]) == {0, 1, 2}
    for row in chosen:
        axial, radial = properties.axial[row], properties.radial[row]
        free = properties.free[row]
        evals = np.vstack([np.column_stack([axial, radial, radial]), [free] * 3]) / 1000
        directions = np.vstack([properties.directions[row], [1, 0, 0]])
        directions[~directions.any(axis=1)] = [1, 0, 0]
        shares = np.append(properties.fractions[row], 1 - properties.fractions[row].sum())
        expected, _ = multi_tensor(
            gradients, evals, S0=properties.s0[row], angles=directions, fractions=100 * shares, snr=None
        )
        # both evaluate one formula in double precision
        assert np.allclose(clean[row], expected, rtol=1e-6, atol=0)


def test_a_lesion_on_the_other_side_gives_the_mirror_image():
    @dataclass(frozen=True, slots=True)
    class Mirrored(DwiProtocol):
        @property
        def bvecs(self):
            return PROTOCOL.bvecs * [-1, 1, 1]

    mirrored = Mirrored(PROTOCOL.grid, PROTOCOL.n_b0, PROTOCOL.n_directions)
    left = diffusion_signal(tissue(HEAD, STROKE), PROTOCOL)
    right = diffusion_signal(tissue(HEAD, Pathology("right", 60.0, 0.8, 0.97)), mirrored)
    image = PROTOCOL.grid.volume(HEAD.voxels, left.T)
    assert np.allclose(image[::-1], PROTOCOL.grid.volume(HEAD.voxels, right.T), rtol=0, atol=1e-9)


def test_the_healthy_tract_has_a_plausible_anisotropy():
    signal = simulate_dwi(HEAD, Pathology("left", 0.0, 1.0, 1.0), PROTOCOL, np.random.default_rng(1))
    for region in HEAD.regions.values():
        assert 0.45 < fit(signal[region]).fa.mean() < 0.65


def test_anisotropy_falls_with_the_integrity_of_the_tract_and_diffusivity_stays():
    tract = np.flatnonzero(HEAD.regions["CST", "L"])
    fits = [
        fit(diffusion_signal(tissue(HEAD, Pathology("left", 0.0, integrity, 1.0), tract), PROTOCOL))
        for integrity in (1.0, 0.9, 0.7, 0.5)
    ]
    assert (np.diff([one.fa.mean() for one in fits]) < -0.02).all()
    # each compartment keeps its mean diffusivity; that of the fitted tensor moves only by the kurtosis of the mixture
    assert np.ptp([one.md.mean() for one in fits]) < 0.05 * fits[0].md.mean()


def test_anisotropy_falls_with_the_lesion_and_the_other_side_stays():
    def mean_fa(volume, letter):
        rows = np.flatnonzero(HEAD.regions["CST", letter])
        state = Pathology("right", volume, 0.9, 1.0)
        return fit(diffusion_signal(tissue(HEAD, state, rows), PROTOCOL)).fa.mean()

    assert mean_fa(150.0, "R") < mean_fa(60.0, "R") < mean_fa(10.0, "R") < mean_fa(0.0, "R")
    assert mean_fa(150.0, "L") == mean_fa(0.0, "L")


def test_a_subset_of_voxels_and_many_brains_at_once_follow_the_same_model():
    rows = roi_voxels(HEAD)
    many = Pathology(
        np.array(["left", "right"]), np.array([60.0, 20.0]), np.array([0.8, 0.6]), np.array([0.97, 1.0])
    )
    together = diffusion_signal(tissue(HEAD, many, rows), PROTOCOL)
    assert together.shape == (2, len(rows), len(PROTOCOL.bvals))
    alone = diffusion_signal(tissue(HEAD, STROKE), PROTOCOL)[rows]
    other = diffusion_signal(tissue(HEAD, Pathology("right", 20.0, 0.6, 1.0)), PROTOCOL)[rows]
    assert np.array_equal(together, np.stack([alone, other]))


def test_noise_has_the_moments_of_a_rician_variable():
    n, sd = 400_000, 5.0
    signal = np.repeat([0.0, 20.0], n)
    noisy = rician(signal, sd, np.random.default_rng(3)).reshape(2, n)
    # 5 standard errors; the second moment is s2 + 2 sd2 at any signal, its variance 4 sd4 + 4 s2 sd2
    second = np.array([0.0, 20.0]) ** 2 + 2 * sd**2
    error = np.sqrt((4 * sd**4 + 4 * np.array([0.0, 400.0]) * sd**2) / n)
    assert (np.abs((noisy**2).mean(axis=1) - second) < 5 * error).all()
    rayleigh = sd * np.sqrt(np.pi / 2)
    assert abs(noisy[0].mean() - rayleigh) < 5 * sd * np.sqrt((2 - np.pi / 2) / n)


def test_white_matter_has_the_signal_to_noise_ratio_of_the_protocol():
    assert 800 / noise_sd(PROTOCOL) == PROTOCOL.snr


@pytest.mark.parametrize("integrity", [0.0, 1.2, np.nan])
def test_an_impossible_integrity_is_refused(integrity):
    with pytest.raises(InputError, match="integrity"):
        tissue(HEAD, Pathology("left", 10.0, integrity, 1.0))
