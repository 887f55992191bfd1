from __future__ import annotations

import numpy as np
import pytest

from neurotrial.errors import InputError
from neurotrial.extract.sides import LETTERS
from neurotrial.simulation.anatomy import BUNDLES, Anatomy
from neurotrial.simulation.lesion import lesion_mask
from neurotrial.simulation.protocols import PRESETS, Grid

ANATOMY = Anatomy()
GRIDS = [preset.dwi.grid for preset in PRESETS.values()] + [preset.bold.grid for preset in PRESETS.values()]
SMALL = PRESETS["small"].dwi.grid


def twin(head):
    """Row of the mirror image of each row of the head."""
    rows = {tuple(centre): row for row, centre in enumerate(head.centres.tolist())}
    return np.array([rows[-x, y, z] for x, y, z in head.centres.tolist()])


def test_centres_are_where_the_affine_puts_them():
    grid = Grid((3, 4, 5), 2.0, (-2.0, 1.0, 7.0))
    voxels = np.array([(i, j, k, 1) for k in range(5) for j in range(4) for i in range(3)])
    assert np.array_equal(grid.centres, (voxels @ grid.affine.T)[:, :3])


def test_an_image_holds_each_value_at_its_voxel():
    grid = Grid((3, 4, 5), 2.0, (0.0, 0.0, 0.0))
    voxels = np.array([1 + 3 * 2 + 12 * 4, 2])
    image = grid.volume(voxels, np.array([[7, 8], [9, 10]]))
    assert image.shape == (3, 4, 5, 2)
    assert image[1, 2, 4].tolist() == [7, 9]
    assert image[2, 0, 0].tolist() == [8, 10]
    assert image.sum() == 34


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_the_whole_brain_is_on_the_grid(grid):
    head = ANATOMY.on(grid)
    ellipsoid = 4 / 3 * np.pi * 70 * 88 * 72 / 1000
    # counting voxels errs by about the root of those on the surface; the coarsest grid has some thousand of them
    assert len(head.voxels) * grid.voxel_ml == pytest.approx(ellipsoid, rel=0.005)
    assert head is ANATOMY.on(grid)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_left_and_right_are_mirror_images(grid):
    head = ANATOMY.on(grid)
    mirror = twin(head)
    swapped = [BUNDLES.index(name) for name in ("cst_right", "cst_left", "callosum")]
    assert np.allclose(head.fractions[mirror][:, swapped], head.fractions, rtol=0, atol=1e-12)
    for label in ("CST", "PLIC"):
        assert np.array_equal(head.regions[label, "L"][mirror], head.regions[label, "R"])
    assert np.array_equal(head.lesion_rank["left"][mirror], head.lesion_rank["right"])


@pytest.mark.parametrize("grid", GRIDS[:2], ids=str)
def test_regions_are_on_their_side_and_the_capsule_is_a_part_of_the_tract(grid):
    head = ANATOMY.on(grid)
    for side, letter in LETTERS.items():
        tract, capsule = head.regions["CST", letter], head.regions["PLIC", letter]
        assert (capsule <= tract).all()
        assert 0 < capsule.sum() < tract.sum()
        assert (np.sign(head.centres[tract, 0].mean()) < 0) == (side == "left")
        assert head.centres[capsule, 2].min() >= ANATOMY.plic_mm[0]
        assert head.centres[capsule, 2].max() <= ANATOMY.plic_mm[1]


def test_directions_are_of_unit_length_where_there_are_fibres():
    head = ANATOMY.on(SMALL)
    length = np.linalg.norm(head.directions, axis=2)
    assert np.allclose(length[head.fractions > 0], 1, rtol=0, atol=1e-12)
    assert (head.fractions.sum(axis=1) <= ANATOMY.core_fraction + 1e-12).all()


def test_partial_volume_keeps_the_volume_of_a_tube_on_every_grid():
    volumes = [
        ANATOMY.on(grid).fractions[:, 0].sum() * grid.voxel_ml / ANATOMY.core_fraction for grid in GRIDS[:2]
    ]
    # both grids sample the tube every 1.25 mm; what is left is where the callosum takes its share at the cortex
    assert volumes[0] == pytest.approx(volumes[1], rel=0.02)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("volume", [0.0, 10.0, 60.0, 150.0])
def test_a_lesion_has_its_volume_and_stays_on_its_side(side, volume):
    head = ANATOMY.on(SMALL)
    lesion = lesion_mask(head, side, volume)
    assert abs(lesion.sum() * SMALL.voxel_ml - volume) <= SMALL.voxel_ml / 2
    x = head.centres[lesion, 0]
    assert ((x < 0) if side == "left" else (x > 0)).all()
    assert not (lesion & head.ventricle).any()


def test_a_larger_lesion_holds_the_smaller_and_touches_the_capsule_of_its_side_only():
    head = ANATOMY.on(SMALL)
    small, large = lesion_mask(head, ["left", "left"], [10.0, 150.0])
    assert (small <= large).all()
    assert (small & head.regions["PLIC", "L"]).any()
    assert not (large & head.regions["PLIC", "R"]).any()


@pytest.mark.parametrize(
    ("side", "volume"), [("both", 10.0), ("left", 5000.0), ("left", -1.0), ("left", np.nan)]
)
def test_an_impossible_lesion_is_refused(side, volume):
    with pytest.raises(InputError, match="lesion"):
        lesion_mask(ANATOMY.on(SMALL), side, volume)
