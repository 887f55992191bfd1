"""The FA ratio that is measured is the one that was put in, over what strokes do to a tract."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.extract import fit_tensor, region_features
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.diffusion import diffusion_signal, roi_voxels, simulate_dwi
from neurotrial.simulation.lesion import lesion_mask
from neurotrial.simulation.protocols import PRESETS
from neurotrial.simulation.scans import scan_rng
from neurotrial.simulation.tissue import Pathology, tissue

PROTOCOL = PRESETS["full"].dwi
HEAD = Anatomy().on(PROTOCOL.grid)
VOXELS = roi_voxels(HEAD)
REGIONS = {
    (label.lower(), hemisphere): HEAD.regions[label, letter][VOXELS]
    for label in ("CST", "PLIC")
    for hemisphere, letter in (("left", "L"), ("right", "R"))
}


def ratios(signal, volume_ml) -> np.ndarray:
    fa = fit_tensor(signal, PROTOCOL.bvals, PROTOCOL.bvecs).fa
    lesion = lesion_mask(HEAD, "left", volume_ml, VOXELS)
    line = (slice(None), None, None)
    rows = region_features(
        {"fa": fa[line]}, {key: mask[line].astype(np.float32) for key, mask in REGIONS.items()},
        np.ones((len(VOXELS), 1, 1), dtype=bool), lesion[line], lesion_side="left", voxel_mm=(2.5, 2.5, 2.5),
    )  # fmt: skip
    return rows.query("statistic == 'ratio' and lesion_policy == 'include'")["value"].to_numpy()


@pytest.mark.parametrize(
    ("integrity", "volume_ml"),
    [(integrity, volume) for integrity in (1.0, 0.8, 0.6) for volume in (10.0, 40.0)]
    + [(1.0, 80.0), (0.8, 80.0)],
)
def test_the_ratio_is_within_two_hundredths_of_the_one_without_noise(integrity, volume_ml):
    """Integrity in the simulated trials is 0.8 with an SD of 0.08.

    In tissue of nearly no anisotropy noise alone lifts FA: by 0.023 in the ratio at 0.6 with a lesion of 80 ml, by 0.02 at 0.4.
    """
    state = Pathology("left", volume_ml, integrity, 0.97)
    truth = ratios(diffusion_signal(tissue(HEAD, state, VOXELS), PROTOCOL), volume_ml)
    found = ratios(simulate_dwi(HEAD, state, PROTOCOL, scan_rng(1, 1, 0, "dwi"), VOXELS), volume_ml)
    assert np.abs(found - truth).max() < 0.02


def test_a_sicker_tract_has_a_lower_ratio():
    states = [Pathology("left", 40.0, integrity, 0.97) for integrity in (1.0, 0.8, 0.6, 0.4)]
    found = np.array([
        ratios(simulate_dwi(HEAD, state, PROTOCOL, scan_rng(1, 1, 0, "dwi"), VOXELS), 40.0) for state in states
    ])  # fmt: skip
    assert (np.diff(found, axis=0) < -0.05).all()
