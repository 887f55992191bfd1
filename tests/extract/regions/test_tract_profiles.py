"""Profiles along tubes whose truth is known, their mirror twins, and nodes without voxels."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.errors import InputError
from neurotrial.extract.regions.tract_coordinate import tract_coordinate
from neurotrial.extract.regions.tract_profiles import node_span, tract_profile, tract_profiles
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.protocols import PRESETS
from neurotrial.table_checks import check_table
from neurotrial.tables import TABLES

GRID = PRESETS["full"].dwi.grid
ANATOMY = Anatomy()


def volume(values):
    """Put the values of the head's voxels into an image."""
    image = np.zeros(np.prod(GRID.shape))
    image[ANATOMY.on(GRID).voxels] = values
    return image.reshape(GRID.shape, order="F")


@pytest.fixture(scope="module")
def tube():
    """The right corticospinal tract of the simulated head, and how far along its centre line each voxel lies, 0 to 1."""
    from scipy.interpolate import CubicSpline
    from scipy.spatial import cKDTree

    control = ANATOMY.centre_lines["cst_right"]
    along = np.r_[0, np.linalg.norm(np.diff(control, axis=0), axis=1).cumsum()]
    line = CubicSpline(along, control)(np.linspace(0, along[-1], 2000))
    arc = np.r_[0, np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()]
    mask = volume(ANATOMY.on(GRID).regions["CST", "R"])
    inside = np.nonzero(mask)
    nearest = cKDTree(line).query(np.column_stack(inside) * GRID.voxel_mm + GRID.first_mm)[1]
    place = np.full(GRID.shape, np.nan)
    # the tube has round ends beyond those of its centre line
    place[inside] = (arc[nearest] + ANATOMY.tube_mm) / (arc[-1] + 2 * ANATOMY.tube_mm)
    return mask, place


def straight(shape=(6, 6, 40), size=2.0, first=(10.0, -20.0, -40.0)):
    """A straight tube with flat ends along z, in the middle of an image."""
    mask = np.zeros(shape)
    mask[2:4, 2:4, 5:35] = 1
    affine = np.diag([size, size, size, 1.0])
    affine[:3, 3] = first
    return mask, affine


def values_of(profile, policy="include"):
    return profile[profile["lesion_policy"] == policy].sort_values("node")["value"].to_numpy()


def test_the_coordinate_of_a_straight_tube_is_its_height():
    mask, affine = straight()
    along = tract_coordinate(mask, affine)
    assert along.length_mm == 29 * 2.0
    assert along.index[2].size == mask.sum()
    assert np.allclose(along.position, (34 - along.index[2]) / 29, rtol=0, atol=1e-12)


def test_a_ramp_along_a_straight_tube_is_recovered_exactly():
    mask, affine = straight()
    ramp = np.broadcast_to(np.linspace(0.2, 0.8, 40), mask.shape)
    profile = tract_profile(mask, {"fa": ramp}, affine, nodes=30)
    assert np.allclose(values_of(profile), ramp[2, 2, 34:4:-1], rtol=0, atol=1e-12)
    assert set(profile["n"]) == {4}
    assert profile["lesion_fraction"].isna().all()
    # nodes between the slices are interpolated; at both ends a node has no slice beyond it
    fine = values_of(tract_profile(mask, {"fa": ramp}, affine))
    exact = np.interp(np.linspace(0, 29, 100), np.arange(30), ramp[2, 2, 34:4:-1])
    assert np.allclose(fine, exact, rtol=0, atol=1e-12)


def test_the_coordinate_of_the_curved_tract_is_that_of_its_centre_line(tube):
    mask, place = tube
    along = tract_coordinate(mask, GRID.affine)
    error = along.position - place[along.index]
    # a shortest path cuts corners, a voxel is 2 % of the length: less than one node of 100 in the mean
    assert abs(error.mean()) < 0.01
    assert error.std() < 0.01
    assert abs(error).max() < 0.05


def test_a_ramp_along_the_curved_tract_is_recovered(tube):
    mask, place = tube
    profile = tract_profile(mask, {"fa": 0.3 + 0.4 * place}, GRID.affine)
    found = values_of(profile)
    # the truth of the round ends is that of the ends of the centre line
    exact = np.clip(np.linspace(0, 1, 100), np.nanmin(place), np.nanmax(place))
    assert np.allclose(found, 0.3 + 0.4 * exact, rtol=0, atol=0.4 * 0.02)
    assert (np.diff(found) > -1e-9).all()
    assert profile["n"].min() >= 1


def test_the_mirror_twin_has_the_same_profile(tube):
    mask, place = tube
    assert GRID.affine[0, 3] == -GRID.voxel_mm * (GRID.shape[0] - 1) / 2
    rng = np.random.default_rng(0)
    weights = mask * rng.uniform(0.5, 1, mask.shape)
    fa, lesion = rng.random(mask.shape), (place > 0.3) & (place < 0.4) & (rng.random(mask.shape) < 0.5)
    before = tract_profile(weights, {"fa": fa}, GRID.affine, lesion=lesion)
    after = tract_profile(weights[::-1], {"fa": fa[::-1]}, GRID.affine, lesion=lesion[::-1])
    assert before[["feature", "lesion_policy", "node", "n"]].equals(
        after[["feature", "lesion_policy", "node", "n"]]
    )
    assert np.allclose(before["value"], after["value"], rtol=0, atol=1e-12)
    assert np.allclose(before["lesion_fraction"], after["lesion_fraction"], rtol=0, atol=1e-12)


def test_a_fan_shares_the_distance_from_its_stem():
    """Two branches of one length, one going up and one going out, end at the same node."""
    mask = np.zeros((30, 3, 30))
    mask[2, 1, 2:27] = 1
    mask[2:18, 1, 11] = 1
    along = tract_coordinate(mask, np.eye(4))
    ends = {
        end: along.position[[point == end for point in zip(*along.index, strict=True)]][0]
        for end in ((2, 1, 26), (17, 1, 11))
    }
    assert ends[2, 1, 26] == pytest.approx(0, abs=1e-12)
    assert ends[17, 1, 11] == pytest.approx(0, abs=0.05)


def test_lesioned_voxels_are_left_out_by_policy():
    mask, affine = straight()
    lesion = np.zeros(mask.shape, dtype=bool)
    lesion[2, :, 20:25] = True
    lesion[:, :, 10:12] = True
    fa = np.where(lesion, 0.1, 0.5)
    profile = tract_profile(mask, {"fa": fa}, affine, nodes=30, lesion=lesion)
    whole, without = values_of(profile), values_of(profile, "exclude")
    half, lost = slice(34 - 24, 34 - 19), slice(34 - 11, 34 - 9)
    assert np.allclose(whole[half], 0.3, rtol=0, atol=1e-12)
    assert np.allclose(without[half], 0.5, rtol=0, atol=1e-12)
    assert np.isnan(without[lost]).all()
    assert np.allclose(np.delete(whole, [*range(10, 15), *range(23, 25)]), 0.5, rtol=0, atol=1e-12)
    fraction = profile.query("lesion_policy == 'include'")["lesion_fraction"].to_numpy()
    assert np.allclose(fraction[half], 0.5, rtol=0, atol=1e-12)
    assert np.allclose(fraction[lost], 1, rtol=0, atol=1e-12)
    counts = profile.query("lesion_policy == 'exclude'")["n"].to_numpy()
    assert (set(counts[half]), set(counts[lost])) == ({2}, {0})


def test_a_value_needs_the_map_and_the_brain():
    mask, affine = straight()
    fa, brain = np.full(mask.shape, 0.5), np.ones(mask.shape, dtype=bool)
    fa[:, :, 30:], brain[:, :, :10] = np.nan, False
    found = values_of(tract_profile(mask, {"fa": fa}, affine, nodes=30, brain=brain))
    assert np.isnan(found[:5]).all()
    assert np.isnan(found[-5:]).all()
    assert (found[5:-5] == 0.5).all()


def test_voxels_outside_the_tract_and_a_separate_piece_change_nothing():
    mask, affine = straight()
    rng = np.random.default_rng(0)
    fa = rng.random(mask.shape)
    before = tract_profile(mask, {"fa": fa}, affine)
    stray = mask.copy()
    stray[0, 0, 39] = 1
    assert tract_profile(stray, {"fa": fa}, affine).equals(before)
    assert tract_profile(mask, {"fa": np.where(mask > 0, fa, 9)}, affine).equals(before)


@pytest.mark.parametrize("n_voxels", [0, 1])
def test_a_tract_without_length_has_no_value(n_voxels):
    mask = np.zeros((4, 4, 4))
    mask.ravel()[:n_voxels] = 1
    profile = tract_profile(mask, {"fa": np.ones(mask.shape)}, np.eye(4), lesion=mask > 1)
    assert len(profile) == 200
    assert profile["value"].isna().all()
    assert (profile["n"] == 0).all()


def test_the_capsule_is_a_window_of_the_nodes(tube):
    mask, place = tube
    capsule = volume(ANATOMY.on(GRID).regions["PLIC", "R"]) > 0
    first, last = node_span(mask, capsule, GRID.affine)
    exact = np.quantile(place[capsule], (0.05, 0.95)) * 99
    assert (first, last) == pytest.approx(exact, abs=2)
    assert node_span(mask, np.zeros(mask.shape, dtype=bool), GRID.affine) is None


def test_both_hemispheres_keep_the_contract(tube):
    right = np.arange(GRID.shape[0])[:, None, None] > GRID.shape[0] // 2
    mask, place = (np.where(right, item, 0) for item in tube)
    regions = {("cst", "right"): mask, ("cst", "left"): mask[::-1]}
    fa = np.where(right, place, place[::-1] + 0.1)
    rows = tract_profiles(regions, {"fa": fa}, GRID.affine, lesion_side="left", lesion=mask > 1)
    assert len(rows) == 2 * 2 * 100
    assert dict(zip(rows["hemisphere"], rows["side"], strict=True)) == {
        "left": "ipsilesional", "right": "contralesional",
    }  # fmt: skip
    means = rows.query("lesion_policy == 'include'").groupby("side")["value"].mean()
    assert means["ipsilesional"] - means["contralesional"] == pytest.approx(0.1, abs=1e-12)
    known = rows.query("lesion_policy == 'include'").assign(participant_id="sub-1", visit="base", run=1)
    wanted = [column.name for column in TABLES["profiles"].columns]
    assert check_table(known[wanted], TABLES["profiles"], "profiles")[1] == []


def test_arrays_that_do_not_fit_are_refused():
    mask, affine = straight()
    with pytest.raises(InputError, match="md"):
        tract_profile(mask, {"fa": mask, "md": mask[1:]}, affine)
    with pytest.raises(InputError, match="at least two nodes"):
        tract_profile(mask, {"fa": mask}, affine, nodes=1)


def test_a_part_that_is_missing_has_rows_without_value():
    mask, affine = straight()
    rows = tract_profiles({("cst", "right"): mask}, {"fa": mask}, affine, lesion_side="left")
    left, right = (rows.query("hemisphere == @side") for side in ("left", "right"))
    assert len(left) == len(right) == 100
    assert left["value"].isna().all()
    assert right["value"].notna().all()
