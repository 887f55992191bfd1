"""Raw scans: what each optional step does to the simulated head."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation

from neurotrial.errors import InputError
from neurotrial.extract.diffusion import raw_scan
from neurotrial.extract.diffusion.motion import motion_parameters, rotate_vectors
from neurotrial.extract.diffusion.raw_scan import brain_of, correct_motion, denoise, prepare_raw
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.diffusion import diffusion_signal, noise_sd, rician
from neurotrial.simulation.protocols import PRESETS
from neurotrial.simulation.tissue import Pathology, tissue

PROTOCOL = PRESETS["small"].dwi
AFFINE = PROTOCOL.grid.affine
CENTRE = AFFINE[:3, :3] @ ((np.array(PROTOCOL.grid.shape) - 1) / 2) + AFFINE[:3, 3]
MOVE = [1.5, -1.0, 0.5, 0.03, -0.02, 0.08]


def transform_of(parameters):
    transform = np.eye(4)
    transform[:3, :3] = Rotation.from_euler("xyz", parameters[3:]).as_matrix()
    transform[:3, 3] = CENTRE - transform[:3, :3] @ CENTRE + parameters[:3]
    return transform


def moved(volume, transform):
    """Return the volume of the head after it moved."""
    back = np.linalg.inv(AFFINE) @ np.linalg.inv(transform) @ AFFINE
    return affine_transform(volume.astype("float64"), back[:3, :3], back[:3, 3], order=1)


@pytest.fixture(scope="module")
def head():
    return Anatomy().on(PROTOCOL.grid)


@pytest.fixture(scope="module")
def clean(head):
    return diffusion_signal(tissue(head, Pathology("left", 60.0, 0.8, 0.97)), PROTOCOL)


@pytest.fixture(scope="module")
def scan(head, clean):
    noisy = rician(clean, noise_sd(PROTOCOL), np.random.default_rng(1))
    return PROTOCOL.grid.volume(head.voxels, noisy.T)


def test_a_known_motion_is_recovered(scan):
    transform = transform_of(MOVE)
    signal = np.stack([scan[..., 0], moved(scan[..., 1], transform)], axis=-1)
    laid, transforms = correct_motion(signal, AFFINE, np.zeros(2), model="rigid")
    found = motion_parameters(transforms, CENTRE)
    assert not found[0].any()
    # voxels are 5 mm: a twentieth of one, and what moves the surface of the head by as much
    assert np.abs(found[1, :3] - MOVE[:3]).max() < 0.25
    assert np.abs(found[1, 3:] - MOVE[3:]).max() < 0.01
    before, after = (np.corrcoef(scan[..., 0].ravel(), data[..., 1].ravel())[0, 1] for data in (signal, laid))
    assert after > before


def test_vectors_and_parameters_follow_from_the_transforms(scan, monkeypatch):
    moves = np.random.default_rng(2).normal(0, [0.5] * 3 + [0.05] * 3, (22, 6))
    given = iter([transform_of(move) for move in moves])
    monkeypatch.setattr(raw_scan, "_registered", lambda *_: next(given))
    raw = prepare_raw(
        scan, AFFINE, PROTOCOL.bvals, PROTOCOL.bvecs, brain=scan[..., 0] > 0, motion_corrected="affine"
    )
    # the second volume, the mean of the weighted ones, and each of those on the mean
    first, mean, *weighted = (transform_of(move) for move in moves)
    expected = np.array([np.eye(4), first, *(own @ mean for own in weighted)])
    assert np.allclose(raw.motion, motion_parameters(expected, CENTRE), rtol=0, atol=1e-12)
    assert np.allclose(raw.bvecs, rotate_vectors(PROTOCOL.bvecs, expected, AFFINE), rtol=0, atol=1e-12)
    assert np.array_equal(raw.signal[..., 0], scan[..., 0])
    assert raw.steps == ("motion correction (affine)",)


def test_denoising_comes_nearer_to_the_truth(head, scan, clean):
    found = denoise(scan, PROTOCOL.bvals)
    assert np.array_equal(found[..., :2], scan[..., :2].astype("float32"))
    truth = PROTOCOL.grid.volume(head.voxels, clean.T)[..., 2:]
    inside = scan[..., 0] > 0
    before, after = (np.sqrt(np.mean((data[..., 2:] - truth)[inside] ** 2)) for data in (scan, found))
    assert after < 0.5 * before
    assert np.array_equal(denoise(scan, PROTOCOL.bvals), found)


def test_the_brain_is_found_and_nothing_else_is_done(scan):
    raw = prepare_raw(scan, AFFINE, PROTOCOL.bvals, PROTOCOL.bvecs)
    brain = scan[..., 0] > 0
    assert 2 * (raw.brain & brain).sum() / (raw.brain.sum() + brain.sum()) > 0.98
    assert raw.signal is scan
    assert raw.motion is None
    assert np.array_equal(raw.bvecs, PROTOCOL.bvecs)
    assert raw.steps == ("brain mask (median Otsu)",)


@pytest.mark.parametrize("step", [brain_of, correct_motion, prepare_raw])
def test_a_scan_without_unweighted_volume_is_refused(step):
    more = (PROTOCOL.bvecs[:4],) if step is prepare_raw else ()
    with pytest.raises(InputError, match="no volume has b of at most 50"):
        step(np.ones((4, 4, 4, 4)), np.eye(4), np.full(4, 1000.0), *more)


def test_few_volumes_are_not_denoised():
    with pytest.raises(InputError, match="has 9 volumes, Patch2Self needs 10"):
        denoise(np.ones((4, 4, 4, 9)), np.zeros(9))
