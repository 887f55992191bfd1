"""The measures of the network, against graphs whose answers follow from their definition."""

from __future__ import annotations

import nibabel
import numpy as np
import pandas as pd
import pytest
from imaged_study import PLAN, edit, extracted, of_scan, only, save, scan_file, table

from neurotrial.extract.cleaning.cleaned import Cleaned
from neurotrial.extract.network import density, edge_rows, fisher_z, global_efficiency, network_rows

EXACT = {"rel": 1e-12}
"""A few sums and quotients of doubles."""
FOUR = pd.DataFrame(
    {
        "node": ["m1_l", "s1_l", "m1_r", "s1_r"],
        "pair": ["m1", "s1", "m1", "s1"],
        "hemisphere": ["left", "left", "right", "right"],
    }
)
R = np.array([[1.0, 0.6, 0.2, 0.1], [0.6, 1.0, 0.3, 0.4], [0.2, 0.3, 1.0, 0.5], [0.1, 0.4, 0.5, 1.0]])
Z = np.arctanh(R - np.eye(4))


def series_of(r, rows=60):
    """Return series whose sample correlations are those of a matrix."""
    noise = np.random.default_rng(1).standard_normal((rows, len(r)))
    white = np.linalg.svd(noise - noise.mean(axis=0), full_matrices=False)[0]
    return white @ np.linalg.cholesky(r).T


def cleaned(series):
    return Cleaned(series, np.zeros(len(series), dtype=bool), 2.0, 9.9)


def plan_with(**cleaning):
    """Return a plan whose threshold no correlation meets by chance of rounding."""
    parts = {
        "cleaning": PLAN.cleaning.model_copy(update=cleaning),
        "network": PLAN.network.model_copy(update={"density_threshold": 0.25}),
    }
    return PLAN.model_copy(update=parts)


def rows_of(side, nodes=FOUR, r=R, common=60):
    rows = network_rows(cleaned(series_of(r)), nodes, side, plan_with(common_volumes=common))
    return dict(zip(["inter", "ipsi", "contra", "efficiency", "density"], rows, strict=True))


@pytest.mark.parametrize("weight", [0.05, 0.4, 0.99])
@pytest.mark.parametrize("nodes", [2, 12])
def test_a_complete_graph_of_equal_weights_is_as_efficient_as_its_weight(nodes, weight):
    r = np.full((nodes, nodes), weight)
    np.fill_diagonal(r, 1.0)
    assert global_efficiency(r) == pytest.approx(weight, **EXACT)


def test_a_chain_of_three_by_hand():
    r = np.array([[1.0, 0.5, -0.3], [0.5, 1.0, 0.25], [-0.3, 0.25, 1.0]])
    # lengths 2 and 4, no direct way between the ends: 6 by the middle
    assert global_efficiency(r) == pytest.approx((1 / 2 + 1 / 4 + 1 / 6) / 3, **EXACT)


def test_a_way_round_may_be_shorter_than_a_weak_edge():
    r = np.array([[1.0, 0.8, 0.1], [0.8, 1.0, 0.8], [0.1, 0.8, 1.0]])
    assert global_efficiency(r) == pytest.approx((0.8 + 0.8 + 0.4) / 3, **EXACT)


def test_nodes_without_positive_edges_count_nought():
    r = np.array([[1.0, 0.6, 0.0], [0.6, 1.0, -0.2], [0.0, -0.2, 1.0]])
    assert global_efficiency(r) == pytest.approx(0.6 / 3, **EXACT)
    assert global_efficiency(np.where(np.eye(3), 1.0, -0.5)) == 0.0


def test_efficiency_leaves_its_matrix_alone():
    r = R.copy()
    global_efficiency(r)
    assert np.array_equal(r, R)


@pytest.mark.parametrize(("threshold", "share"), [(0.05, 1.0), (0.3, 4 / 6), (0.31, 3 / 6), (0.7, 0.0)])
def test_density_counts_edges_from_the_threshold_on(threshold, share):
    assert density(R, threshold) == pytest.approx(share, **EXACT)


@pytest.mark.parametrize("side", ["left", "right"])
def test_strengths_by_hand_on_either_side(side):
    rows = rows_of(side)
    assert rows["inter"]["value"] == pytest.approx((Z[0, 2] + Z[0, 3] + Z[1, 2] + Z[1, 3]) / 4, **EXACT)
    within = {"left": Z[0, 1], "right": Z[2, 3]}
    other = {"left": "right", "right": "left"}[side]
    assert rows["ipsi"]["value"] == pytest.approx(within[side], **EXACT)
    assert rows["contra"]["value"] == pytest.approx(within[other], **EXACT)
    assert [row["n"] for row in rows.values()] == [4, 1, 1, 6, 6]
    assert {row["status"] for row in rows.values()} == {"ok"}


@pytest.mark.parametrize("side", ["none", "both", None])
def test_a_lesion_without_a_single_side_has_no_hemispheres(side):
    rows = rows_of(side)
    for name in ("ipsi", "contra"):
        assert (rows[name]["status"], rows[name]["reason"]) == (
            "not_applicable",
            "the lesion has no single side",
        )
        assert np.isnan(rows[name]["value"])
    assert rows["inter"]["value"] == rows_of("left")["inter"]["value"]


def test_density_comes_from_the_first_common_volumes():
    series = np.vstack([series_of(R, 40), series_of(np.where(np.eye(4), 1.0, 0.9), 40)])
    rows = network_rows(cleaned(series), FOUR, "left", plan_with(common_volumes=40))
    assert rows[-1]["value"] == pytest.approx(4 / 6, **EXACT)


def test_too_few_volumes_leave_density_missing_with_a_reason_and_the_others_there():
    rows = rows_of("left", common=61)
    assert rows["density"]["status"] == "low_coverage"
    assert rows["density"]["reason"] == "60 volumes are left, the common number is 61"
    assert np.isnan(rows["density"]["value"])
    assert {row["status"] for name, row in rows.items() if name != "density"} == {"ok"}


def test_a_hemisphere_of_one_node_has_no_strength():
    rows = rows_of("right", FOUR.iloc[:3], R[:3, :3])
    assert (rows["ipsi"]["status"], rows["ipsi"]["reason"]) == ("low_coverage", "no edge is left")
    assert rows["contra"]["n"] == 1
    assert rows["inter"]["n"] == 2


@pytest.mark.parametrize(
    ("side", "left", "right"),
    [
        ("left", "ipsilesional", "contralesional"),
        ("right", "contralesional", "ipsilesional"),
        ("both", None, None),
    ],
)
def test_edges_have_their_class(side, left, right):
    edges = edge_rows(R, FOUR, side, cleaned(series_of(R)), "24p")
    assert edges[["node_i", "node_j"]].agg(" ".join, axis=1).tolist() == [
        "m1_l s1_l", "m1_l m1_r", "m1_l s1_r", "s1_l m1_r", "s1_l s1_r", "m1_r s1_r",
    ]  # fmt: skip
    classes = edges["class"].astype("object").where(edges["class"].notna(), None).tolist()
    assert classes == [left, "homotopic", "interhemispheric", "interhemispheric", "homotopic", right]
    assert edges["r"].tolist() == R[np.triu_indices(4, 1)].tolist()
    assert edges["z"].tolist() == np.arctanh(R[np.triu_indices(4, 1)]).tolist()


def test_a_perfect_correlation_has_a_finite_z():
    assert fisher_z(np.array([1.0, -1.0])).tolist() == pytest.approx([8.4056213, -8.4056213], rel=1e-7)


def test_a_lost_node_shrinks_the_network_and_flags_it(study):
    only(study, session="01")
    edit(study / "study.yaml", "common_volumes: 100", "common_volumes: 149")
    path = scan_file(study, "func/*_desc-brain_mask.nii.gz")
    image = nibabel.load(path)
    mask = np.asanyarray(image.dataobj).copy()
    places = nibabel.affines.apply_affine(image.affine, np.indices(mask.shape).reshape(3, -1).T)
    mask[(np.linalg.norm(places - (-38.0, -20.0, 56.0), axis=1) < 8).reshape(mask.shape)] = 0
    save(mask, image.affine, path)
    assert not extracted(study).failed
    features = of_scan(table(study, "features"), "bold").set_index(["feature", "side"])
    assert features.loc["density", "status"].tolist() == ["low_coverage"]
    measured = features[features.index.get_level_values("feature") != "density"]
    assert (measured["status"] == "flagged").all()
    assert measured["reason"].str.startswith("nodes lost: m1_l").all()
    assert measured["n"].tolist() == [30, 15, 10, 55]
    assert measured["coverage"].tolist() == pytest.approx([11 / 12] * 4)
    edges = table(study, "edges").query("participant_id == 'sub-002' and visit == 'baseline'")
    assert len(edges) == 55
    assert not edges[["node_i", "node_j"]].isin(["m1_l"]).any(axis=None)
    nodes = (
        table(study, "nodes").query("participant_id == 'sub-002' and visit == 'baseline'").set_index("node")
    )
    assert nodes.loc["m1_l", "coverage"] == 0
    assert (nodes["coverage"].drop("m1_l") == 1).all()
