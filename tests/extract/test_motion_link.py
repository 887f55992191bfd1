"""QC-FC: what the correlations are, and what they find when motion leaks in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, spearmanr

from neurotrial.extract.motion_link import motion_connectivity

N = 20
PLACES = {"a_l": (-10, 0, 0), "b_l": (-40, 0, 10), "a_r": (12, 0, 0), "b_r": (45, 5, 10), "c_r": (30, 60, 0)}


def tables(leak, scans=N, seed=0):
    rng = np.random.default_rng(seed)
    fd = rng.uniform(0.1, 0.6, scans)
    names = list(PLACES)
    rows = []
    for scan in range(scans):
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                same = first[-1] == second[-1]
                rows.append({
                    "participant_id": f"sub-{scan:02d}", "visit": "baseline", "run": pd.NA, "node_set": "spheres", "kind": "pearson",
                    "strategy": "24p", "node_i": first, "node_j": second, "z": leak * fd[scan] + 0.1 * rng.standard_normal(),
                    "class": None if same else ("homotopic" if first[0] == second[0] else "interhemispheric"),
                })  # fmt: skip
    quality = pd.DataFrame({
        "participant_id": [f"sub-{scan:02d}" for scan in range(scans)], "visit": "baseline", "run": pd.NA, "modality": "bold",
        "measure": "fd_mean", "value": fd,
    })  # fmt: skip
    nodes = (
        pd.DataFrame(PLACES, index=list("xyz")).T.rename_axis("node").reset_index().assign(node_set="spheres")
    )
    return pd.DataFrame(rows), quality, nodes


def test_the_numbers_are_those_of_scipy():
    edges, quality, nodes = tables(0.3)
    found = motion_connectivity(edges, quality, nodes).set_index("edges")
    assert found["n_edges"].to_dict() == {"all": 10, "between": 6, "within": 4}
    linked, away = [], []
    for (first, second), own in edges.groupby(["node_i", "node_j"], sort=False):
        linked.append(pearsonr(own["z"], quality["value"]))
        away.append(np.linalg.norm(np.subtract(PLACES[first], PLACES[second])))
    r = np.array([item.statistic for item in linked])
    assert found.loc["all", "median_abs_r"] == pytest.approx(np.median(np.abs(r)))
    assert found.loc["all", "share_significant"] == np.mean([item.pvalue < 0.05 for item in linked])
    assert found.loc["all", "distance_rho"] == pytest.approx(spearmanr(away, r).statistic)


def test_motion_that_leaks_in_is_found_and_none_is_not():
    strong = motion_connectivity(*tables(1.5)).set_index("edges")
    none = motion_connectivity(*tables(0.0)).set_index("edges")
    assert strong.loc["all", "share_significant"] == 1
    assert none.loc["all", "share_significant"] <= 0.2
    assert strong.loc["all", "median_abs_r"] > 2 * none.loc["all", "median_abs_r"]


def test_too_few_scans_have_no_row_and_a_second_run_does_not_count():
    assert motion_connectivity(*tables(1.0, scans=7)).empty
    edges, quality, nodes = tables(1.0)
    twice = [table.assign(run=run) for run in (1, 2) for table in (edges, quality)]
    first = motion_connectivity(twice[0], twice[1], nodes)
    both = motion_connectivity(
        pd.concat([twice[0], twice[2].assign(z=-5.0)]),
        pd.concat([twice[1], twice[3].assign(value=9.0)]),
        nodes,
    )
    pd.testing.assert_frame_equal(first, both)


def test_a_lost_node_costs_only_its_edges():
    edges, quality, nodes = tables(0.5)
    found = motion_connectivity(edges[edges["node_j"] != "c_r"], quality, nodes).set_index("edges")
    assert found.loc["all", "n_edges"] == 6
