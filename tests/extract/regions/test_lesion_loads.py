"""Loads of a lesion on a tract against sums written out, slice by slice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from neurotrial.errors import InputError
from neurotrial.extract.regions.lesion_loads import lesion_load, lesion_loads

SHAPE = (9, 8, 7)
AFFINE = np.diag([2.0, 2.5, 3.0, 1.0])
VOXEL_ML = 2 * 2.5 * 3 / 1000


def made(seed):
    rng = np.random.default_rng(seed)
    weights = np.where(rng.random(SHAPE) < 0.5, rng.random(SHAPE), 0)
    return rng.random(SHAPE) < 0.3, weights


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_loads_are_the_sums_of_their_definition(seed):
    lesion, weights = made(seed)
    load = lesion_load(lesion, weights, AFFINE)
    core = weights >= 0.5
    areas = [core[:, :, z].sum() for z in range(SHAPE[2])]
    hurt = [(core & lesion)[:, :, z].sum() for z in range(SHAPE[2])]
    assert load.raw == pytest.approx((weights * lesion).sum() * VOXEL_ML, rel=1e-12)
    weighted = sum(h * max(areas) / a for h, a in zip(hurt, areas, strict=True) if a)
    assert load.weighted == pytest.approx(weighted * VOXEL_ML, rel=1e-12)
    assert load.largest == max(h / a for h, a in zip(hurt, areas, strict=True) if a)
    assert load.share == pytest.approx((weights * lesion).sum() / weights.sum(), rel=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_a_larger_lesion_loads_no_less_and_a_mask_at_least_its_volume(seed):
    lesion, weights = made(seed)
    core = (weights >= 0.5).astype(float)
    small, large = (lesion_load(mask, core, AFFINE) for mask in (lesion & (weights > 0.7), lesion))
    for name in ("raw", "weighted", "largest", "share"):
        assert getattr(small, name) <= getattr(large, name)
    assert large.raw <= large.weighted + 1e-12


def test_a_tract_of_one_width_has_equal_loads():
    weights = np.zeros(SHAPE)
    weights[3:6, 2:5] = 1
    lesion = np.zeros(SHAPE, dtype=bool)
    lesion[4:, :, 2:4] = True
    load = lesion_load(lesion, weights, AFFINE)
    assert load.raw == load.weighted == pytest.approx(2 * 3 * 2 * VOXEL_ML, rel=1e-12)
    assert load.largest == pytest.approx(2 / 3, rel=1e-12)
    assert load.distance_mm == 0


def test_the_distance_is_that_of_the_nearest_centres():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        core, lesion = (rng.random(SHAPE) < 0.01 for _ in range(2))
        core[0, 0, 0], lesion[-1, -1, -1] = True, True
        lesion &= ~core
        exact = cdist(*[np.argwhere(mask) @ AFFINE[:3, :3] for mask in (lesion, core)]).min()
        assert lesion_load(lesion, core, AFFINE).distance_mm == pytest.approx(exact, rel=1e-12)


def test_without_lesion_or_without_tract():
    lesion, weights = made(0)
    none = lesion_load(np.zeros(SHAPE, dtype=bool), weights, AFFINE)
    assert (none.raw, none.weighted, none.largest, none.share) == (0, 0, 0, 0)
    assert np.isnan(none.distance_mm)
    lost = lesion_load(lesion, np.zeros(SHAPE), AFFINE)
    assert all(
        np.isnan(getattr(lost, name)) for name in ("raw", "weighted", "largest", "share", "distance_mm")
    )


def test_the_mirror_twin_has_the_same_loads_on_the_other_side():
    lesion, weights = made(1)
    left = np.arange(SHAPE[0])[:, None, None] < 4
    regions = {("cst", "left"): weights * left, ("cst", "right"): weights * ~left}
    twin = {("cst", "right"): regions["cst", "left"][::-1], ("cst", "left"): regions["cst", "right"][::-1]}
    before, after = (
        lesion_loads(mask, item, AFFINE).set_index("hemisphere").drop(columns="region")
        for mask, item in ((lesion, regions), (lesion[::-1], twin))
    )
    assert list(before) == ["load_raw", "load_weighted", "load_max", "share", "distance_mm"]
    for side, other in (("left", "right"), ("right", "left")):
        assert np.allclose(before.loc[side], after.loc[other], rtol=1e-12, atol=0)


def test_another_grid_is_refused():
    lesion, weights = made(0)
    with pytest.raises(InputError, match="resample the lesion"):
        lesion_load(lesion[1:], weights, AFFINE)
