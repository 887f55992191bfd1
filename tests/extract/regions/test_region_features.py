"""Features of regions against plain formulas on whole volumes, their mirror twins, and why a value is missing."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import trim_mean

from neurotrial.errors import InputError
from neurotrial.extract.regions.features import region_features
from neurotrial.extract.regions.grid import MEANS, RegionGrid, expected_region_rows
from neurotrial.table_checks import check_table
from neurotrial.tables import TABLES

SHAPE = (14, 9, 10)
VOXEL_MM = (2.0, 2.5, 3.0)
ROUNDING = {"rtol": 1e-12, "atol": 0}
"""The same sums in another order."""
KEY = ["feature", "region", "statistic", "method", "lesion_policy"]


def made(seed=0):
    """Four scalars, two regions of two hemispheres with weights, a brain with holes, a lesion on the right."""
    rng = np.random.default_rng(seed)
    brain = rng.random(SHAPE) < 0.95
    scalars = {name: np.where(brain, rng.gamma(9, 0.1, SHAPE), np.nan) for name in ("fa", "md", "ad", "rd")}
    scalars["md"][rng.random(SHAPE) < 0.02] = np.nan
    left = np.broadcast_to(np.arange(SHAPE[0])[:, None, None] < SHAPE[0] // 2, SHAPE)
    regions = {}
    for region, share in (("cst", 0.5), ("plic", 0.2)):
        weights = np.where(rng.random(SHAPE) < share, rng.random(SHAPE), 0).astype("float32")
        regions[region, "left"], regions[region, "right"] = weights * left, weights * ~left
    lesion = np.zeros(SHAPE, dtype=bool)
    lesion[9:12, 2:5, 3:6] = True
    return scalars, regions, brain, lesion


def features(parts, **options):
    return region_features(*parts, **{"lesion_side": "right", "voxel_mm": VOXEL_MM, **options})


def near(lesion, width):
    """The ring by the distance of every voxel from every lesioned voxel."""
    places = np.argwhere(np.ones(SHAPE)) * VOXEL_MM
    distance = cdist(places, np.argwhere(lesion) * VOXEL_MM).min(axis=1).reshape(SHAPE)
    return (distance > 0) & (distance <= width)


ORACLES = {
    "mean": lambda values, _: np.mean(values),
    "weighted_mean": lambda values, weights: np.average(values, weights=weights),
    "median": lambda values, _: np.median(values),
    "trimmed_mean": lambda values, _: trim_mean(values, 0.1),
    "sd": lambda values, _: np.std(values, ddof=1),
}


def test_every_statistic_equals_its_formula_on_the_whole_volume():
    scalars, regions, brain, lesion = parts = made()
    policies = {
        "include": np.ones(SHAPE, dtype=bool), "exclude": ~lesion, "only": lesion, "perilesional": near(lesion, 6),
    }  # fmt: skip
    rows = features(parts).query("hemisphere != 'both'")
    checked = 0
    for row in rows.itertuples():
        weights = regions[row.region, row.hemisphere].astype(float)
        shares = weights if row.statistic == "weighted_mean" else (weights >= 0.5).astype(float)
        values = scalars[row.feature]
        used = (shares > 0) & brain & np.isfinite(values) & policies[row.lesion_policy]
        known = brain & np.isfinite(values)
        assert row.n == used.sum()
        assert row.coverage == pytest.approx((shares * known).sum() / shares.sum(), rel=1e-12)
        assert row.lesion_fraction == pytest.approx((shares * lesion).sum() / shares.sum(), rel=1e-12)
        if used.any() and not (row.statistic == "sd" and row.n == 1):
            assert row.status == "ok"
            assert math.isclose(row.value, ORACLES[row.statistic](values[used], shares[used]), rel_tol=1e-12)
            checked += 1
        else:
            assert np.isnan(row.value)
            assert row.status in {"not_applicable", "low_coverage"}
    assert checked == len(rows) - rows["value"].isna().sum() > 200


def test_the_grid_is_complete_and_the_same_without_values():
    rows = features(made())
    grid = RegionGrid()
    expected = pd.DataFrame(expected_region_rows(grid))
    assert len(rows) == 4 * 2 * (2 * 4 * 5 + 2 * 3) == len(expected)
    columns = ["feature", "region", "hemisphere", "statistic", "method", "lesion_policy", "threshold", "unit"]
    assert rows[columns].equals(expected[columns])
    assert not rows.duplicated(["feature", "region", "hemisphere", "statistic", "lesion_policy"]).any()
    assert set(expected["side"]) == {"?", "inter"}


def test_the_rows_keep_the_contract():
    rows = features(made()).query("lesion_policy != 'perilesional'")
    rows = rows.assign(participant_id="sub-1", visit="base", run=pd.NA, modality="dwi")
    assert check_table(rows, TABLES["features"], "features")[1] == []


def test_means_alone_are_part_of_the_whole():
    parts = made()
    whole, means = features(parts), features(parts, grid=MEANS)
    assert len(means) == len(expected_region_rows()) == 32
    picked = whole.query("statistic == 'mean' and lesion_policy in ['include', 'exclude']").reset_index(
        drop=True
    )
    assert means.equals(picked)


@pytest.mark.parametrize(
    "options", [{}, {"erosion": 1, "min_coverage": 0.0}, {"plausible": {"fa": (0.5, 1.5)}}]
)
def test_the_mirror_twin_has_the_same_rows_by_side(options):
    scalars, regions, brain, lesion = parts = made()
    other = {"left": "right", "right": "left", "both": "both"}
    twin = (
        {name: values[::-1] for name, values in scalars.items()},
        {(region, other[side]): weights[::-1] for (region, side), weights in regions.items()},
        brain[::-1],
        lesion[::-1],
    )
    before = features(parts, **options)
    after = features(twin, lesion_side="left", **options)
    assert after["hemisphere"].map(other).tolist() != before["hemisphere"].tolist()
    frames = [frame.sort_values([*KEY, "side"]).reset_index(drop=True) for frame in (before, after)]
    assert frames[1]["hemisphere"].map(other).tolist() == frames[0]["hemisphere"].tolist()
    for name in (*KEY, "side", "n", "status", "reason"):
        assert frames[0][name].equals(frames[1][name])
    for name in ("value", "coverage", "lesion_fraction"):
        assert np.allclose(frames[0][name], frames[1][name], rtol=1e-12, atol=1e-12, equal_nan=True)


def test_voxels_outside_the_regions_change_nothing():
    scalars, regions, brain, lesion = parts = made()
    free = np.sum(list(regions.values()), axis=0) == 0
    assert free.sum() > 100
    changed = {name: np.where(free, 99.0, values) for name, values in scalars.items()}
    assert features(parts).equals(features((changed, regions, brain | free, lesion)))


def test_the_order_of_the_memory_does_not_matter():
    scalars, regions, brain, lesion = parts = made()
    turned = (
        {name: np.asfortranarray(values) for name, values in scalars.items()},
        {key: np.asfortranarray(values) for key, values in regions.items()},
        np.asfortranarray(brain),
        np.asfortranarray(lesion),
    )
    assert features(parts).equals(features(turned))


masks = st.integers(0, 2**32 - 1)


@settings(max_examples=25)
@given(masks, st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_lesioned_and_other_voxels_make_the_whole(seed, lesioned, filled):
    rng = np.random.default_rng(seed)
    shape = (6, 4, 3)
    fa, brain, lesion = rng.random(shape), np.ones(shape, dtype=bool), rng.random(shape) < lesioned
    mask = rng.random(shape) < filled
    mask[0, 0, 0] = mask[5, 0, 0] = True
    left = np.arange(6)[:, None, None] < 3
    rows = region_features(
        {"fa": fa}, {("cst", "left"): mask & left, ("cst", "right"): mask & ~left}, brain, lesion,
        lesion_side="left", voxel_mm=(2, 2, 2),
    )  # fmt: skip
    rows = rows.query("statistic == 'mean'").set_index(["hemisphere", "lesion_policy"])
    for hemisphere in ("left", "right"):
        whole, without, only = (rows.loc[(hemisphere, policy)] for policy in ("include", "exclude", "only"))
        assert whole["n"] == without["n"] + only["n"]
        parts = [row["n"] * row["value"] for row in (without, only) if row["n"]]
        assert whole["n"] * whole["value"] == pytest.approx(sum(parts), rel=1e-12)
        assert whole["lesion_fraction"] == pytest.approx(only["n"] / whole["n"], rel=1e-12)
        assert rows.loc[(hemisphere, "perilesional")]["n"] <= without["n"]


@settings(max_examples=25)
@given(masks, st.floats(0, 1))
def test_a_larger_region_has_no_fewer_voxels(seed, more):
    scalars, regions, brain, lesion = made()
    grown = np.random.default_rng(seed).random(SHAPE) < more
    sides = {"left": grown[:7], "right": grown[7:]}
    larger = {key: weights.copy() for key, weights in regions.items()}
    for (_, side), weights in larger.items():
        half = slice(0, 7) if side == "left" else slice(7, 14)
        weights[half][sides[side]] = 1
    before, after = (features((scalars, item, brain, lesion), min_coverage=0) for item in (regions, larger))
    assert (after["n"] >= before["n"]).all()


def test_ratios_are_those_of_the_means_of_the_same_policy():
    rows = features(made(), grid=RegionGrid(ratios_of=("mean", "weighted_mean")))
    each = rows.set_index(["feature", "region", "lesion_policy", "statistic", "side"]).sort_index()
    checked = 0
    for row in rows.query("statistic == 'ratio'").itertuples():
        of = "weighted_mean" if row.method == "region_mask+weighted" else "mean"
        ipsi, contra = (
            each.loc[(row.feature, row.region, row.lesion_policy, of, side)]
            for side in ("ipsilesional", "contralesional")
        )
        assert (ipsi["hemisphere"], contra["hemisphere"]) == ("right", "left")
        twins = rows.query(
            "feature == @row.feature and region == @row.region and lesion_policy == @row.lesion_policy"
            " and method == @row.method and side == 'inter'"
        ).set_index("statistic")
        assert row.value == ipsi["value"] / contra["value"]
        assert twins["value"]["log_ratio"] == pytest.approx(math.log(row.value), rel=1e-12, abs=1e-15)
        # ln(I/C) = -2 atanh((C - I) / (C + I))
        assert -2 * math.atanh(twins["value"]["asymmetry"]) == pytest.approx(
            twins["value"]["log_ratio"], rel=1e-9, abs=1e-12
        )
        assert (twins["n"] == min(ipsi["n"], contra["n"])).all()
        assert row.coverage == min(ipsi["coverage"], contra["coverage"])
        assert row.lesion_fraction == ipsi["lesion_fraction"]
        checked += 1
    assert checked == 4 * 2 * 2 * 2


@pytest.mark.parametrize(
    ("side", "reason"),
    [
        ("both", "the lesion is on both sides"),
        ("none", "there is no lesion"),
        (None, "the side of the lesion is not known"),
    ],
)
def test_without_a_single_side_nothing_is_compared(side, reason):
    rows = features(made(), lesion_side=side)
    compared = rows.query("hemisphere == 'both'")
    assert set(compared["status"]) == {"not_applicable"}
    assert set(compared["reason"]) == {reason}
    assert compared["value"].isna().all()
    each = rows.query("hemisphere != 'both'")
    assert set(each["side"]) == {"none"}
    assert each.query("lesion_policy == 'include'")["value"].notna().all()


def state(rows, query):
    found = rows.query(query)
    assert len(found)
    assert found["value"].isna().all()
    assert found["status"].nunique() == found["reason"].nunique() == 1
    return found["status"].iloc[0], found["reason"].iloc[0]


def test_what_has_no_lesion_has_no_value_of_its_lesion():
    rows = features(made())
    assert state(rows, "side == 'contralesional' and lesion_policy == 'only'") == (
        "not_applicable", "the region has no lesion",
    )  # fmt: skip
    scalars, regions, brain, _ = made()
    none = features((scalars, regions, brain, np.zeros(SHAPE, dtype=bool)))
    assert state(none, "lesion_policy == 'perilesional'") == (
        "not_applicable", "no voxel of the region lies within 6 mm of the lesion",
    )  # fmt: skip
    equal = [none.query("lesion_policy == @policy")["value"].to_numpy() for policy in ("include", "exclude")]
    assert np.array_equal(*equal)


def test_without_a_lesion_mask_only_the_whole_region_has_values():
    scalars, regions, brain, _ = made()
    rows = features((scalars, regions, brain, None))
    assert rows.query("lesion_policy == 'include'")["value"].notna().all()
    assert rows["lesion_fraction"].isna().all()
    assert state(rows, "lesion_policy != 'include' and side != 'inter'") == (
        "missing_input", "there is no lesion mask",
    )  # fmt: skip
    assert state(rows, "lesion_policy == 'exclude' and side == 'inter'") == (
        "missing_input", "ipsilesional: there is no lesion mask",
    )  # fmt: skip


def test_missing_regions_and_maps_are_rows():
    scalars, regions, brain, lesion = made()
    del scalars["rd"], regions["cst", "left"]
    regions["plic", "right"] = np.zeros(SHAPE)
    rows = features((scalars, regions, brain, lesion), grid=RegionGrid())
    assert len(rows) == 368
    cases = {
        "feature == 'rd' and region == 'plic' and hemisphere == 'left'": "there is no map of rd",
        "region == 'cst' and hemisphere == 'left'": "there is no region cst of the left hemisphere",
        "region == 'plic' and hemisphere == 'right'": "the region has no voxel",
        "region == 'plic' and side == 'inter'": "ipsilesional: the region has no voxel",
    }
    for query, reason in cases.items():
        assert state(rows, query) == ("missing_input", reason)
        assert (rows.query(query)["n"] == 0).all()
    assert not (rows["value"] == 0).any()


def test_what_was_not_measured_lowers_the_coverage():
    scalars, regions, brain, lesion = made()
    half = np.broadcast_to(np.arange(SHAPE[1])[:, None] < 3, SHAPE)
    query = "region == 'cst' and lesion_policy == 'include' and statistic == 'mean' and hemisphere == 'left'"
    outside = features((scalars, regions, brain & half, lesion)).query(query).iloc[0]
    assert outside["status"] == "low_coverage"
    assert outside["reason"] == f"{outside['coverage']:.0%} of the region lies inside the brain mask"
    visits = features((scalars, regions, brain, lesion), covered=half).query(query).iloc[0]
    assert visits["reason"] == outside["reason"] + " at every visit"
    assert visits["coverage"] == outside["coverage"]
    holes = {name: np.where(half, values, np.nan) for name, values in scalars.items()}
    unmeasured = features((holes, regions, brain, lesion)).query(query).iloc[0]
    assert unmeasured["reason"] == f"{unmeasured['coverage']:.0%} of the region was measured"
    allowed = features((scalars, regions, brain, lesion), covered=half, min_coverage=0.1).query(query).iloc[0]
    assert allowed["status"] == "ok"
    assert allowed["n"] == outside["n"] > 0


def test_common_voxels_are_the_same_as_a_smaller_brain():
    scalars, regions, brain, lesion = made()
    covered = np.random.default_rng(1).random(SHAPE) < 0.8
    cut = features((scalars, regions, brain, lesion), covered=covered)
    assert cut.equals(features((scalars, regions, brain & covered, lesion)))


def test_a_note_flags_every_value():
    rows = features(made(), note="motion")
    flagged = rows["status"] == "flagged"
    assert flagged.equals(rows["value"].notna())
    assert flagged.sum() > 200
    assert set(rows[flagged]["reason"]) == {"motion"}
    assert "motion" not in set(rows[~flagged]["reason"])


def test_one_voxel_has_no_standard_deviation():
    scalars, regions, brain, lesion = made()
    regions["cst", "left"] = np.zeros(SHAPE)
    regions["cst", "left"][np.unravel_index(np.flatnonzero(brain)[0], SHAPE)] = 1
    rows = features((scalars, regions, brain, lesion), grid=RegionGrid(scalars={"fa": "FA"}))
    rows = rows.query("region == 'cst' and hemisphere == 'left' and lesion_policy == 'include'")
    assert state(rows, "statistic == 'sd'") == ("low_coverage", "one voxel has no standard deviation")
    others = rows.query("statistic != 'sd'")["value"].to_numpy()
    assert (others == others[0]).all()


def test_erosion_takes_the_border_and_is_stated():
    scalars = {"fa": np.ones((9, 9, 9))}
    cube = np.zeros((9, 9, 9))
    cube[1:8, 1:8, 1:8] = 1
    regions = {("cst", side): cube for side in ("left", "right")}
    brain = np.ones(cube.shape, dtype=bool)
    for times, n in ((0, 7**3), (1, 5**3), (2, 3**3), (4, 0)):
        rows = features((scalars, regions, brain, ~brain), erosion=times)
        assert set(rows.query("lesion_policy == 'include' and side != 'inter'")["n"]) == {n}
        assert set(rows["method"]) == {"region_mask" + (f"+erosion{times}" if times else "")}
    assert set(rows["reason"].dropna()) >= {"the region has no voxel"}


def test_implausible_voxels_are_left_out_of_every_scalar_and_that_is_stated():
    scalars, regions, brain, lesion = parts = made()
    rows = features(parts, plausible={"fa": (0.7, 1), "md": (0, 1.2)}, method="atlas")
    assert set(rows["method"]) == {"atlas+fa[0.7,1]+md[0,1.2]"}
    kept = (scalars["fa"] >= 0.7) & (scalars["fa"] <= 1) & (scalars["md"] <= 1.2)
    used = kept & brain & (regions["cst", "left"] >= 0.5)
    row = rows.query(
        "feature == 'rd' and region == 'cst' and hemisphere == 'left' and statistic == 'mean'"
        " and lesion_policy == 'exclude'"
    ).iloc[0]
    used &= ~lesion
    assert row["n"] == used.sum()
    assert row["value"] == pytest.approx(scalars["rd"][used].mean(), rel=1e-12)
    assert (
        row["coverage"]
        == (regions["cst", "left"] >= 0.5)[brain].sum() / (regions["cst", "left"] >= 0.5).sum()
    )


def test_the_width_of_the_ring_is_stated_and_holds():
    parts = made()
    for width in (2.0, 4.0, 9.0):
        rows = features(parts, ring_mm=width).query("lesion_policy == 'perilesional' and statistic == 'mean'")
        assert set(rows["threshold"]) == {width}
        ring = near(parts[3], width) & parts[2]
        fa = rows.query("feature == 'fa' and region == 'cst'").set_index("hemisphere")
        for hemisphere in ("left", "right"):
            assert fa["n"][hemisphere] == (ring & (parts[1]["cst", hemisphere] >= 0.5)).sum()


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({2: np.ones(SHAPE)}, {}, "brain: is a mask of type bool"),
        ({3: np.ones((2, 2, 2), dtype=bool)}, {}, "lesion: has the shape of the brain mask"),
        ({0: {"fa": np.ones(3)}}, {}, "fa: has the shape of the brain mask"),
        ({1: {("cst", "left"): np.full(SHAPE, 50.0)}}, {}, "cst left: has weights from 0 to 1"),
        ({1: {("cst", "left"): np.full(SHAPE, np.nan)}}, {}, "cst left: has weights from 0 to 1"),
        ({}, {"covered": np.ones(SHAPE)}, "covered: is a mask of type bool"),
        ({}, {"min_coverage": 50}, "min_coverage: is a share from 0 to 1, not 50"),
        ({}, {"erosion": -1}, "not -1 and 6.0"),
        ({}, {"ring_mm": 0}, "not 0 and 0"),
        ({}, {"plausible": {"kurtosis": (0, 1)}}, "kurtosis"),
        ({}, {"grid": RegionGrid(statistics=("mode",))}, "mode"),
        ({}, {"grid": RegionGrid(policies=("ignore",))}, "ignore"),
        ({}, {"grid": RegionGrid(statistics=("median",))}, "names means that are among its statistics"),
    ],
)
def test_what_does_not_fit_is_refused(change, options, message):
    parts = list(made())
    for place, part in change.items():
        parts[place] = part
    with pytest.raises(InputError) as caught:
        features(parts, **options)
    assert message in str(caught.value)


def test_faint_regions_have_only_weighted_means():
    scalars, regions, brain, lesion = made()
    regions["plic", "left"] = np.minimum(regions["plic", "left"], 0.4)
    rows = features((scalars, regions, brain, lesion))
    query = "region == 'plic' and hemisphere == 'left' and lesion_policy == 'include'"
    assert state(rows, f"{query} and statistic != 'weighted_mean'") == (
        "missing_input", "the region has no voxel of at least half a weight",
    )  # fmt: skip
    assert rows.query(f"{query} and statistic == 'weighted_mean'")["value"].notna().all()
