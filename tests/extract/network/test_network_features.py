"""Rows of the network: values by hand, the complete grid whatever is lost, and left and right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, norm

from neurotrial.extract import network_features
from neurotrial.extract.network.edge_table import edge_rows
from neurotrial.extract.network.features import Labels, expected_network_rows
from neurotrial.extract.network.measures import Cuts, network_measures

EXACT = {"rel": 1e-12}
KEY = ["feature", "definition", "region", "hemisphere", "side", "statistic", "threshold"]
NODES = pd.DataFrame({
    "node": ["m1_l", "s1_l", "cb_l", "m1_r", "s1_r", "cb_r"], "pair": ["m1", "s1", "cb"] * 2,
    "hemisphere": ["left"] * 3 + ["right"] * 3, "crossed": [False, False, True] * 2,
})  # fmt: skip
R = np.array([
    [1.0, 0.6, -0.1, 0.2, 0.1, 0.52],
    [0.6, 1.0, 0.15, 0.3, 0.4, 0.05],
    [-0.1, 0.15, 1.0, 0.45, 0.25, 0.35],
    [0.2, 0.3, 0.45, 1.0, 0.5, 0.0],
    [0.1, 0.4, 0.25, 0.5, 1.0, -0.2],
    [0.52, 0.05, 0.35, 0.0, -0.2, 1.0],
])  # fmt: skip
Z = np.arctanh(R - np.eye(6))
L, T = np.arange(3), np.arange(3, 6)


def rows(side="left", r=R, nodes=NODES, **more):
    return network_features(r, nodes, side, **{"common_edges": r, **more})


def one(table, **where):
    for name, wanted in where.items():
        table = table[table[name] == wanted]
    assert len(table) == 1, where
    return table.iloc[0]


def within(members):
    i, j = np.triu_indices(len(members), 1)
    return Z[members[i], members[j]]


def test_strengths_by_hand():
    table = rows()
    strength = table[table["feature"] == "strength"]
    inter = Z[np.ix_(L, T)].ravel()
    assert one(strength, definition="all_pairs", side="inter")["value"] == pytest.approx(
        inter.mean(), **EXACT
    )
    assert one(strength, definition="all_pairs", side="ipsilesional")["value"] == pytest.approx(
        within(L).mean(), **EXACT
    )
    assert one(strength, definition="all_pairs", side="contralesional")["value"] == pytest.approx(
        within(T).mean(), **EXACT
    )
    positive, negative = np.maximum(inter, 0).mean(), np.minimum(inter, 0).mean()
    assert one(strength, definition="all_pairs_positive", side="inter")["value"] == pytest.approx(
        positive, **EXACT
    )
    assert one(strength, definition="all_pairs_negative", side="inter")["value"] == pytest.approx(
        negative, abs=1e-15
    )
    homotopic = one(strength, definition="homotopic")
    assert homotopic["value"] == pytest.approx(np.mean([Z[0, 3], Z[1, 4], Z[2, 5]]), **EXACT)
    assert (homotopic["n"], homotopic["side"]) == (3, "inter")
    assert one(strength, region="s1_s1")["value"] == pytest.approx(Z[1, 4], **EXACT)


def test_the_crossed_cerebellum_counts_with_the_other_cortex():
    table = rows()
    left, right = np.array([0, 1, 5]), np.array([3, 4, 2])
    crossed = table[table["definition"] == "all_pairs_crossed"]
    strength = crossed[crossed["feature"] == "strength"]
    assert one(strength, side="inter")["value"] == pytest.approx(Z[np.ix_(left, right)].mean(), **EXACT)
    assert one(strength, side="ipsilesional")["value"] == pytest.approx(within(left).mean(), **EXACT)
    difference = within(left).mean() - within(right).mean()
    assert one(crossed, feature="laterality")["value"] == pytest.approx(difference, **EXACT)


def test_laterality_and_node_strength_by_hand():
    table = rows("right")
    laterality = one(table, feature="laterality", definition="all_pairs")
    assert laterality["value"] == pytest.approx(within(T).mean() - within(L).mean(), **EXACT)
    assert laterality["n"] == 6
    nodes = table[table["feature"] == "node_strength"]
    cb = one(nodes, region="cb", hemisphere="left", definition="positive")
    assert cb["value"] == pytest.approx(np.maximum(Z[2], 0).sum(), **EXACT)
    assert cb["side"] == "contralesional"
    assert one(nodes, region="cb", hemisphere="left", definition="negative")["value"] == pytest.approx(
        Z[2, 0], **EXACT
    )


@pytest.mark.parametrize(("threshold", "share"), [(0.1, 11 / 15), (0.2, 9 / 15), (0.3, 7 / 15)])
def test_density_counts_edges_from_the_threshold_on(threshold, share):
    table = rows()
    density = table[(table["feature"] == "density") & (table["threshold"] == threshold)]
    assert one(density, side="bilateral")["value"] == pytest.approx(share, **EXACT)
    inter = (R[np.ix_(L, T)] >= threshold).mean()
    assert one(density, side="inter")["value"] == pytest.approx(inter, **EXACT)


def test_density_rests_on_the_common_volumes_and_nothing_else_does():
    other = np.where(np.eye(6), 1.0, 0.9)
    table, plain = rows(common_edges=other), rows()
    density = table["feature"] == "density"
    assert (table.loc[density, "value"] == 1).all()
    assert table[~density]["value"].equals(plain[~density]["value"])
    without = rows(common_edges=None, common_reason="60 volumes are left, the common number is 100")
    lost = without[density]
    assert lost["value"].isna().all()
    assert (lost["status"] == "low_coverage").all()
    assert (lost["reason"] == "60 volumes are left, the common number is 100").all()


def test_a_density_of_significant_edges_is_flagged():
    table = rows(cuts=Cuts(significance=0.05), effective_df=40.0)
    row = one(table, definition="significance")
    own = R[np.triu_indices(6, 1)]
    p = false_discovery_control(2 * norm.sf(np.abs(np.arctanh(own)) * np.sqrt(37)))
    assert row["value"] == pytest.approx(((p <= 0.05) & (own > 0)).mean(), **EXACT)
    assert (row["status"], row["threshold"]) == ("flagged", 0.05)
    assert "secondary" in row["reason"]
    few = one(rows(cuts=Cuts(significance=0.05), effective_df=2.5), definition="significance")
    assert few["status"] == "low_coverage"
    assert "significance" not in set(rows()["definition"])


def test_the_area_under_the_curve_is_the_mean_height():
    table = rows(cuts=Cuts(densities=(0.2, 0.4, 0.8)))
    for feature in ("global_efficiency", "local_efficiency"):
        for definition in ("binary_proportional", "weighted_proportional"):
            own = table[(table["feature"] == feature) & (table["definition"] == definition)]
            low, middle, high = own[own["statistic"] == "mean"]["value"]
            area = (0.2 * (low + middle) / 2 + 0.4 * (middle + high) / 2) / 0.6
            assert one(own, statistic="auc")["value"] == pytest.approx(area, **EXACT)


@pytest.mark.parametrize("side", ["both", "none", None])
def test_without_a_single_side_only_the_sides_are_missing(side):
    table = rows(side)
    sided = table["side"].isin(["ipsilesional", "contralesional"]) | (table["feature"] == "laterality")
    assert (table[sided]["status"] == "not_applicable").all()
    assert (table[sided]["reason"] == "the lesion has no single side").all()
    whole = table[~sided & (table["feature"] != "node_strength")]
    assert (whole["status"] == "ok").all()
    assert table[table["feature"] == "node_strength"]["value"].notna().all()


@pytest.mark.parametrize("lost", [[], [0], [0, 1], [0, 3, 4], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5]])
def test_the_grid_is_the_same_whatever_is_lost(lost):
    r = R.copy()
    r[lost], r[:, lost] = np.nan, np.nan
    table = rows(r=r)
    expected = pd.DataFrame(expected_network_rows(network_measures(NODES, Cuts()), Labels()))
    fixed = ["feature", "definition", "region", "statistic", "threshold", "unit", "method"]
    assert table[fixed].equals(expected[fixed])
    assert not table.duplicated(KEY).any()
    assert (table["value"].isna() == ~table["status"].isin(["ok", "flagged"])).all()
    assert table.loc[table["value"].isna(), "reason"].notna().all()
    assert not (table.loc[table["value"].isna(), "n"] > 0).any()
    left = 6 - len(lost)
    weighted = one(table, feature="global_efficiency", definition="weighted")
    assert weighted["n"] == (left * (left - 1) / 2 if left > 1 else 0)


def test_a_lost_node_shrinks_the_network():
    r = R.copy()
    r[2], r[:, 2] = np.nan, np.nan
    own = [0, 1, 3, 4, 5]
    small = network_features(
        R[np.ix_(own, own)], NODES.iloc[own].reset_index(drop=True), "left", common_edges=R[np.ix_(own, own)]
    )
    lost = rows(r=r)
    both = lost.merge(small, on=KEY)
    assert len(both) == len(small)
    same = both[both["value_y"].notna()]
    assert np.allclose(same["value_x"], same["value_y"], rtol=0, atol=0)
    assert one(lost, region="cb_cb")["reason"] == "a node of cb is lost"


def test_a_note_flags_every_value():
    table = rows(note="nodes lost: x")
    assert (table.loc[table["value"].notna(), "status"] == "flagged").all()
    assert (table.loc[table["value"].notna(), "reason"] == "nodes lost: x").all()


def test_a_mirrored_brain_has_the_same_rows():
    mirror = np.r_[T, L]
    nodes = NODES.assign(hemisphere=NODES["hemisphere"].map({"left": "right", "right": "left"}))
    here, there = rows("left"), rows("right", nodes=nodes)
    same = [name for name in KEY if name != "hemisphere"]
    for one_side, other in (
        (here, there),
        (
            rows("left"),
            rows("left", r=R[np.ix_(mirror, mirror)], nodes=NODES.iloc[mirror].reset_index(drop=True)),
        ),
    ):
        both = one_side.merge(other, on=same if other is there else KEY)
        assert len(both) == len(one_side)
        assert np.allclose(both["value_x"], both["value_y"], rtol=0, atol=1e-12)


def test_nodes_without_a_counterpart_have_no_homotopic_edge():
    nodes = NODES.assign(
        pair=["m1", None, None, "m1", None, None],
        hemisphere=["left", "left", "none", "right", "right", "right"],
    )
    table = rows(nodes=nodes)
    assert one(table, definition="homotopic")["value"] == pytest.approx(Z[0, 3], **EXACT)
    middle = table[(table["feature"] == "node_strength") & (table["region"] == "cb_l")]
    assert (middle["side"] == "none").all()
    assert one(table, feature="strength", definition="all_pairs", side="ipsilesional")["n"] == 1


@pytest.mark.parametrize(
    ("side", "left", "right"),
    [
        ("left", "ipsilesional", "contralesional"),
        ("right", "contralesional", "ipsilesional"),
        ("both", None, None),
    ],
)
def test_edges_have_their_class(side, left, right):
    own = [0, 1, 3, 4]
    nodes, r = NODES.iloc[own].reset_index(drop=True), R[np.ix_(own, own)]
    table = edge_rows(r, nodes, side, lags=np.array([0.0, 0.5, 1.0, np.nan]), strategy="24p")
    classes = table["class"].astype("object").where(table["class"].notna(), None).tolist()
    assert classes == [left, "homotopic", "interhemispheric", "interhemispheric", "homotopic", right]
    assert table["r"].tolist() == r[np.triu_indices(4, 1)].tolist()
    assert table["lag_s"].iloc[:2].tolist() == [0.5, 1.0]
    assert set(table["strategy"]) == {"24p"}
    r[1] = r[:, 1] = np.nan
    assert len(edge_rows(r, nodes, side)) == 3
