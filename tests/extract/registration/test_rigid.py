from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from neurotrial.errors import InputError
from neurotrial.extract.registration.rigid import align_rigid, midpoint
from neurotrial.extract.registration.sampling import world_points
from neurotrial.extract.registration.transform import affine_transform
from neurotrial.extract.scan_result import ScanFault


def rigid(degrees, shift):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix[:3, 3] = shift
    return matrix


TRUTH = rigid([6, -4, 9], [5, -7, 3])
SHAPE, AFFINE = (27, 33, 27), np.array([[6.0, 0, 0, -78], [0, 6, 0, -96], [0, 0, 6, -78], [0, 0, 0, 1]])


def blobs(points):
    rng = np.random.default_rng(0)
    centres, widths, heights = rng.uniform(-50, 50, (40, 3)), rng.uniform(9, 20, 40), rng.uniform(0.2, 1, 40)
    square = ((points[:, None] - centres) ** 2).sum(axis=2)
    return (heights * np.exp(-square / (2 * widths**2))).sum(axis=1).reshape(SHAPE)


@pytest.fixture(scope="module")
def visits():
    """A smooth image at two visits, the second moved, with another gain and offset, noise, and a lesion."""
    points = world_points(SHAPE, AFFINE)
    rng = np.random.default_rng(1)
    first = blobs(points @ TRUTH[:3, :3].T + TRUTH[:3, 3]) + 0.01 * rng.normal(size=SHAPE)
    second = 2 * blobs(points) + 0.3 + 0.01 * rng.normal(size=SHAPE)
    lesion = np.zeros(SHAPE, dtype=bool)
    lesion[7:11, 13:17, 13:17] = True
    first[lesion] = 0
    return nib.Nifti1Image(second, AFFINE), nib.Nifti1Image(first, AFFINE), ~lesion


@pytest.fixture(scope="module")
def found(visits):
    moving, static, mask = visits
    return align_rigid(moving, static, mask=mask)


def test_a_known_rigid_map_is_recovered(found):
    apart = found.matrix @ np.linalg.inv(TRUTH)
    assert np.degrees(Rotation.from_matrix(apart[:3, :3]).magnitude()) < 0.1
    corners = np.array([[x, y, z] for x in (-50, 50) for y in (-50, 50) for z in (-50, 50)], dtype=float)
    truth = affine_transform(TRUTH).map_points(corners)
    assert np.linalg.norm(found.map_points(corners) - truth, axis=1).mean() < 0.1


def test_exchanging_the_visits_gives_the_inverse(visits):
    moving, static, mask = visits
    whole = nib.Nifti1Image(np.where(mask, static.dataobj, moving.dataobj), AFFINE)
    there, back = align_rigid(moving, whole), align_rigid(whole, moving)
    # both fits end in the same two minima, from either side; what is left is where their steps stopped
    np.testing.assert_allclose(back.then(there).map_points(np.eye(3) * 50), np.eye(3) * 50, atol=0.01)


def test_midpoint_twice_is_the_transform_and_both_visits_meet_there(found):
    half = midpoint(found)
    np.testing.assert_allclose(half.moving.then(half.moving).matrix, found.matrix, atol=1e-12)
    np.testing.assert_allclose(half.static.then(found).matrix, half.moving.matrix, atol=1e-12)
    turns = [Rotation.from_matrix(item.matrix[:3, :3]).magnitude() for item in (half.moving, half.static)]
    assert turns[0] == pytest.approx(turns[1])


def test_midpoint_of_what_is_not_rigid_is_refused():
    for matrix in (np.diag([1.1, 1, 1, 1]), np.diag([-1.0, 1, 1, 1])):
        with pytest.raises(InputError, match="not rigid"):
            midpoint(affine_transform(matrix))


def test_a_mask_of_nothing_is_refused(visits):
    moving, static, _ = visits
    with pytest.raises(ScanFault, match="leaves 0 voxels"):
        align_rigid(moving, static, mask=np.zeros(SHAPE, dtype=bool))
