"""Series and matrices of XCP-D and HALFpipe: read, joined to the nodes by name, measured; broken ones are told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from imaged_study import PLAN

from neurotrial.extract.bids.scans import Scan
from neurotrial.extract.given.node_matrices import read_correlations, read_coverage, read_series
from neurotrial.extract.scan import extract_scan
from neurotrial.extract.scan_result import ScanFault
from neurotrial.simulation.nodes import node_table

NODES = pd.DataFrame({"node": ["m1_l", "m1_r", "sma"], "label": ["LH_1", "RH_1", None]})


def text(folder, words, name="sub-1_timeseries.tsv"):
    path = folder / name
    path.write_text(words, encoding="utf-8")
    return path


def test_columns_are_found_by_label_then_by_node(tmp_path):
    path = text(tmp_path, "RH_1\tother\tsma\tLH_1\n1\t9\t3\t2\n4\t9\tn/a\t5\n")
    found = read_series(path, NODES)
    assert found[:, :2].tolist() == [[2, 1], [5, 4]]
    assert found[0, 2] == 3
    assert np.isnan(found[1, 2])


@pytest.mark.parametrize("gap", ["\t", ",", " ", "   "])
def test_numbers_without_names_are_the_nodes_in_order(tmp_path, gap):
    path = text(tmp_path, "".join(gap.join(row) + "\n" for row in (["1", "2", "3"], ["4.5", "-5e-1", "6"])))
    assert read_series(path, NODES).tolist() == [[1, 2, 3], [4.5, -0.5, 6]]


def test_a_matrix_with_names_in_the_first_column(tmp_path):
    path = text(tmp_path, "Node\tRH_1\tsma\tLH_1\nRH_1\t1\t0.3\t0.5\nsma\t0.3\t1\tn/a\nLH_1\t0.5\tn/a\t1\n")
    found = read_correlations(path, NODES)
    assert found[0, 1] == found[1, 0] == 0.5
    assert found[1, 2] == 0.3
    assert np.isnan(found[0, 2])
    assert np.diag(found).tolist() == [1, 1, 1]


def test_a_node_that_was_not_covered_is_lost(tmp_path):
    path = text(tmp_path, "LH_1\tRH_1\tsma\n1\t0.5\tn/a\n0.5\t1\tn/a\nn/a\tn/a\tn/a\n")
    found = read_correlations(path, NODES)
    assert np.isnan(found[2]).all()
    assert found[0, 1] == 0.5


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("LH_1\tsma\n1\t2\n", "has no column for 1 of 3 nodes: RH_1"),
        ("1\t2\n3\t4\n", "has 2 columns without names, the table of nodes has 3 nodes"),
        ("LH_1\tRH_1\tsma\n1\tx\t2\n", "has cells in the column RH_1 that are no numbers"),
        ("", "is empty"),
    ],
)
def test_a_wrong_series_is_told(tmp_path, words, rule):
    with pytest.raises(ScanFault, match=rule):
        read_series(text(tmp_path, words), NODES)


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("1 0.2 0.3\n0.2 1 0.4\n", "is no square matrix: 2 x 3"),
        ("1 0.2 0.3\n0.5 1 0.4\n0.3 0.4 1\n", "is not symmetric"),
        ("9 1.2 0.3\n1.2 9 0.4\n0.3 0.4 9\n", "holds 1.2, which is no correlation"),
    ],
)
def test_a_wrong_matrix_is_told(tmp_path, words, rule):
    with pytest.raises(ScanFault, match=rule):
        read_correlations(text(tmp_path, words), NODES)


def test_coverage_is_found_by_name(tmp_path):
    path = text(tmp_path, "Node\tcoverage\nRH_1\t0.5\nLH_1\t1\n")
    found = read_coverage(path, NODES)
    assert found[:2].tolist() == [1, 0.5]
    assert np.isnan(found[2])


@pytest.fixture
def folder(tmp_path):
    node_table().to_csv(tmp_path / "nodes.tsv", sep="\t", index=False)
    return tmp_path


def scan_of(path, role):
    return Scan("sub-1", "baseline", None, "bold", {role: path}, "left", path.parent, "maps", "xcp_d")


def test_series_of_others_give_the_features_of_their_correlations(folder):
    names = node_table()["node"].tolist()
    series = np.random.default_rng(0).standard_normal((150, 12)) + np.linspace(0, 1, 12)
    series[:, 1:] += 0.5 * series[:, :1]
    table = pd.DataFrame(series[:, ::-1], columns=names[::-1])
    table.to_csv(folder / "sub-1_timeseries.tsv", sep="\t", index=False)
    tables = extract_scan(
        scan_of(folder / "sub-1_timeseries.tsv", "timeseries"), PLAN, folder, simulated=True
    )
    features = tables.tables["features"]
    z = np.arctanh(np.corrcoef(series.T) - np.eye(12))
    inter = features.query("feature == 'strength' and definition == 'all_pairs' and side == 'inter'")
    assert inter["value"].item() == pytest.approx(z[:6, 6:].mean(), rel=1e-9)
    assert (features.loc[features["value"].notna(), "status"] == "flagged").all()
    assert features["reason"].str.contains("cleaned by xcp_d, not by the plan").any()
    density = features.query("feature == 'density'")
    assert density["value"].notna().all()
    assert len(tables.tables["edges"]) == 66
    assert tables.picture.startswith(b"\x89PNG")


def test_correlations_of_others_have_no_density(folder):
    r = np.corrcoef(np.random.default_rng(0).standard_normal((12, 80)))
    pd.DataFrame(r, columns=node_table()["node"]).to_csv(folder / "sub-1_relmat.tsv", sep="\t", index=False)
    tables = extract_scan(scan_of(folder / "sub-1_relmat.tsv", "matrix"), PLAN, folder, simulated=True).tables
    density = tables["features"].query("feature == 'density'")
    assert (density["status"] == "low_coverage").all()
    assert (density["reason"] == "correlations do not say how many volumes they rest on").all()
    others = tables["features"].query("feature != 'density'")
    assert others["value"].notna().all()


def test_a_series_of_two_volumes_is_refused(folder):
    names = node_table()["node"].tolist()
    pd.DataFrame(np.zeros((2, 12)), columns=names).to_csv(
        folder / "sub-1_timeseries.tsv", sep="\t", index=False
    )
    with pytest.raises(ScanFault, match="has 2 volumes, at least 20 are needed"):
        extract_scan(scan_of(folder / "sub-1_timeseries.tsv", "timeseries"), PLAN, folder, simulated=True)
