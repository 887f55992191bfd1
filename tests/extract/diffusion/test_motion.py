from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from neurotrial.extract import fit_tensor
from neurotrial.extract.diffusion.motion import (
    framewise_displacement,
    motion_parameters,
    rigid_rotations,
    rotate_vectors,
)
from neurotrial.simulation import motion as simulated
from neurotrial.simulation.protocols import PRESETS

PROTOCOL = PRESETS["full"].dwi
AFFINES = {
    "RAS": np.diag([2.0, 2.0, 2.0, 1]),
    "LAS": np.diag([-2.0, 2.0, 2.0, 1]),
    "oblique": np.block([
        [Rotation.from_euler("xyz", [0.3, -0.2, 0.5]).as_matrix() * [2.0, 2.5, 3.0], np.array([[5.0], [-7], [9]])],
        [np.zeros((1, 3)), np.ones((1, 1))],
    ]),
    "PIR": np.array([[0, 0, 2.0, 0], [-2, 0, 0, 0], [0, -2, 0, 0], [0, 0, 0, 1]]),
}  # fmt: skip


def turn(angles, shift=(0, 0, 0), centre=(0, 0, 0)):
    """Return the transform of a head that turned about a centre and was shifted."""
    transform = np.eye(4)
    transform[:3, :3] = Rotation.from_euler("xyz", angles).as_matrix()
    transform[:3, 3] = centre - transform[:3, :3] @ centre + shift
    return transform


def in_file(world, affine):
    """Return world directions in FSL's convention, with the axes written out one by one."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    own = np.stack([world @ axes[:, k] for k in range(3)], axis=-1)
    return own * [-1, 1, 1] if np.linalg.det(affine[:3, :3]) > 0 else own


@pytest.mark.parametrize("name", AFFINES)
def test_vectors_turn_with_the_head(name):
    affine = AFFINES[name]
    transforms = np.array(
        [turn(angles, (3, -2, 1)) for angles in np.random.default_rng(1).normal(0, 0.3, (36, 3))]
    )
    found = rotate_vectors(in_file(PROTOCOL.bvecs, affine), transforms, affine)
    # for the head at rest, a gradient turned backwards
    expected = np.array([t[:3, :3].T @ g for t, g in zip(transforms, PROTOCOL.bvecs, strict=True)])
    assert np.allclose(found, in_file(expected, affine), rtol=0, atol=1e-12)


def test_the_tensor_of_a_moving_head_needs_turned_vectors():
    transforms = np.array([turn(angles) for angles in np.random.default_rng(2).normal(0, 0.2, (36, 3))])
    fibre = np.array([0.6, 0.0, 0.8])
    along = np.array([g @ (t[:3, :3] @ fibre) for t, g in zip(transforms, PROTOCOL.bvecs, strict=True)])
    signal = 1000 * np.exp(-PROTOCOL.bvals / 1000 * (0.3 + 1.4 * along**2))
    vectors = rotate_vectors(PROTOCOL.bvecs * [-1, 1, 1], transforms, np.eye(4))
    assert fit_tensor(signal, PROTOCOL.bvals, vectors).fa == pytest.approx(0.7990222, abs=1e-7)
    assert fit_tensor(signal, PROTOCOL.bvals, PROTOCOL.bvecs).fa < 0.78


def test_scaling_and_shear_leave_the_rotation():
    transform = turn([0.1, -0.2, 0.3])
    stretched = transform.copy()
    symmetric = np.array([[1.05, 0.02, 0], [0.02, 0.97, 0.01], [0, 0.01, 1.0]])
    stretched[:3, :3] = transform[:3, :3] @ symmetric
    assert np.allclose(rigid_rotations([stretched])[0], transform[:3, :3], rtol=0, atol=1e-12)


def test_parameters_are_what_moved_the_head():
    centre = np.array([3.0, -20.0, 10.0])
    moves = [turn([0, 0, 0]), turn([0.03, -0.02, 0.08], (1.5, -1, 0.5), centre)]
    found = motion_parameters(moves, centre)
    assert np.allclose(found, [[0] * 6, [1.5, -1, 0.5, 0.03, -0.02, 0.08]], rtol=0, atol=1e-12)


def test_displacement_is_that_of_the_simulation():
    parameters = np.random.default_rng(3).normal(0, 0.1, (10, 6))
    own = framewise_displacement(parameters)
    assert np.allclose(own, simulated.framewise_displacement(parameters), rtol=0, atol=1e-12, equal_nan=True)
    assert framewise_displacement([[0] * 6, [0, 0, 0, 0, 0.01, 0]], radius_mm=80)[1] == pytest.approx(0.8)
