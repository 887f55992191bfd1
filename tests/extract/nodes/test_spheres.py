"""Spheres of nodes: equal to nilearn's masker, with coverage that counts what is not there."""

from __future__ import annotations

import nibabel
import numpy as np
import pandas as pd
import pytest
from nilearn.maskers import NiftiSpheresMasker

from neurotrial.extract import node_series
from neurotrial.extract.nodes.native import native_sphere_voxels
from neurotrial.extract.nodes.spheres import sphere_voxels
from neurotrial.extract.registration.transform import affine_transform
from neurotrial.extract.scan_result import ScanFault

SHAPE = (14, 16, 12)


def turned(degrees, zooms, first):
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(zooms)
    affine[:3, 3] = first
    return affine


AFFINES = {
    "straight": turned(0, (3, 3, 3), (-20, -24, -18)),
    "left first": turned(0, (-3, 3, 3), (20, -24, -18)),
    "oblique": turned(17, (2.7, 3.1, 4.0), (-21, -25, -19)),
}


def table(points, radius=6.0):
    nodes = pd.DataFrame(np.asarray(points, dtype=float), columns=list("xyz"))
    return nodes.assign(node=[f"n{place}" for place in range(len(nodes))], radius_mm=radius)


@pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES)
@pytest.mark.parametrize("radius", [4.6, 7.3])
def test_series_equal_nilearns(affine, radius):
    data = np.random.default_rng(0).normal(500, 20, (*SHAPE, 12)).astype("f4")
    image = nibabel.Nifti1Image(data, affine)
    points = [[-6.1, 3.3, 2.2], [5.2, 3.1, 2.4], [0.4, 2.7, 1.1], [1.3, -7.9, 4.1]]
    found = node_series(image, table(points, radius))
    masker = NiftiSpheresMasker(points, radius=radius, allow_overlap=True, standardize=None)
    # nilearn sums in single precision
    assert np.allclose(found.series, masker.fit_transform(image), rtol=1e-6, atol=0)
    assert found.series.shape == (12, 4)
    assert (found.coverage > 0.8).all()
    assert found.nodes == ("n0", "n1", "n2", "n3")


def test_tsnr_is_the_median_over_the_voxels():
    data = np.random.default_rng(0).normal(500, 20, (*SHAPE, 40)).astype("f4")
    affine = AFFINES["straight"]
    found = node_series(nibabel.Nifti1Image(data, affine), table([[0, 0, 0]]))
    own = sphere_voxels(table([[0, 0, 0]]), SHAPE, affine).voxels[0]
    voxels = data.reshape(-1, 40)[own].astype("f8")
    assert found.tsnr[0] == pytest.approx(
        np.median(voxels.mean(axis=1) / voxels.std(axis=1, ddof=1)), rel=1e-4
    )


def test_what_lies_outside_the_field_of_view_is_not_covered():
    affine = AFFINES["straight"]
    edge, far = [-21.5, 0, 0], [-90, 0, 0]
    found = sphere_voxels(table([[0, 0, 0], edge, far]), SHAPE, affine)
    whole = sphere_voxels(table([[-21.5 + 30, 0, 0]]), (60, 16, 12), affine).n_voxels[0]
    assert found.coverage[0] == 1
    assert found.coverage[1] == pytest.approx(found.n_voxels[1] / whole)
    assert 0.3 < found.coverage[1] < 0.7
    assert (found.coverage[2], found.n_voxels[2]) == (0, 0)


def test_masks_cut_the_coverage_and_the_lesion_is_counted_in_what_is_left():
    affine = AFFINES["straight"]
    x = affine[0, 3] + 3 * np.arange(SHAPE[0])
    brain = np.broadcast_to((x > -2)[:, None, None], SHAPE)
    lesion = np.broadcast_to((x > 2)[:, None, None], SHAPE)
    nodes = table([[0, 0, 0]], 7.0)
    whole = sphere_voxels(nodes, SHAPE, affine)
    found = sphere_voxels(nodes, SHAPE, affine, brain=brain, lesion=lesion)
    inside = brain.ravel()[whole.voxels[0]]
    assert found.coverage[0] == inside.mean()
    assert found.lesion_fraction[0] == lesion.ravel()[whole.voxels[0]][inside].mean()
    without = sphere_voxels(nodes, SHAPE, affine, brain=brain, lesion=lesion, exclude_lesion=True)
    assert not lesion.ravel()[without.voxels[0]].any()
    assert without.coverage[0] == found.coverage[0]
    assert np.isnan(whole.lesion_fraction[0])


def test_a_sphere_between_voxel_centres_has_no_voxel():
    found = sphere_voxels(table([[1.5, 1.5, 1.5]], 1.0), SHAPE, turned(0, (3, 3, 3), (-21, -24, -18)))
    assert (found.n_voxels[0], found.coverage[0]) == (0, 0)


def test_one_radius_may_stand_for_all():
    nodes = table([[0, 0, 0], [3, 3, 3]], 4.0)
    alike = sphere_voxels(nodes, SHAPE, AFFINES["oblique"], radius_mm=9.0)
    own = sphere_voxels(nodes.assign(radius_mm=9.0), SHAPE, AFFINES["oblique"])
    assert [voxels.tolist() for voxels in alike.voxels] == [voxels.tolist() for voxels in own.voxels]


@pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES)
def test_a_rigid_way_to_the_template_moves_the_spheres_and_nothing_else(affine):
    way = turned(8, (1, 1, 1), (4.0, -3.0, 2.0))
    here = table([[-4, 2, 1], [6, -5, 3]])
    there = here.assign(
        **dict(zip("xyz", (here[list("xyz")] @ way[:3, :3].T + way[:3, 3]).to_numpy().T, strict=True))
    )
    plain = sphere_voxels(here, SHAPE, affine)
    native = native_sphere_voxels(there, SHAPE, affine, affine_transform(way))
    for one, other in zip(plain.voxels, native.voxels, strict=True):
        assert sorted(one) == sorted(other)
    assert np.allclose(native.coverage, plain.coverage)


def test_a_brain_twice_as_small_has_spheres_twice_as_small():
    grid = turned(0, (1, 1, 1), (-20, -20, -20))
    nodes = table([[0, 0, 0]], 8.0)
    small = native_sphere_voxels(nodes, (41, 41, 41), grid, affine_transform(np.diag([2.0, 2, 2, 1])))
    assert small.n_voxels[0] == sphere_voxels(nodes, (41, 41, 41), grid, radius_mm=4.0).n_voxels[0]


def test_a_mask_on_another_grid_is_told():
    image = nibabel.Nifti1Image(np.zeros((*SHAPE, 3), "f4"), AFFINES["straight"])
    with pytest.raises(ScanFault, match="has the shape 3 x 3 x 3, which is not that of image"):
        node_series(image, table([[0, 0, 0]]), np.ones((3, 3, 3), bool))
    other = nibabel.Nifti1Image(np.ones(SHAPE, "u1"), AFFINES["oblique"])
    with pytest.raises(ScanFault, match="mask: stands on another grid"):
        node_series(image, table([[0, 0, 0]]), other)


def test_masks_of_arrays_are_in_the_orientation_of_the_image():
    affine = AFFINES["left first"]
    image = nibabel.Nifti1Image(np.random.default_rng(0).random((*SHAPE, 4)).astype("f4"), affine)
    mask = np.zeros(SHAPE, bool)
    mask[:7] = True
    by_array = node_series(image, table([[2, 0, 0]], 9.0), mask)
    by_image = node_series(image, table([[2, 0, 0]], 9.0), nibabel.Nifti1Image(mask.astype("u1"), affine))
    assert 0 < by_array.coverage[0] < 1
    assert by_array.coverage[0] == by_image.coverage[0]
    assert np.array_equal(by_array.series, by_image.series)
