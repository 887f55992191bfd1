"""Tables of pyAFQ and TractSeg become complete grids in our units: what is missing has a reason, never 0."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bids_files import put

from neurotrial.errors import InputError
from neurotrial.extract.bids.tract_tables import read_tract_table
from neurotrial.extract.scan_result import ScanFault

NODES = np.arange(100)


def pyafq(tmp_path, bundles, **columns):
    """Write a table as pyAFQ does: an index without name, one row for each bundle and node."""
    parts = [pd.DataFrame({"tractID": name, "nodeID": NODES, **columns}) for name in bundles]
    path = tmp_path / "sub-01_ses-1_desc-profiles_dwi.csv"
    pd.concat(parts, ignore_index=True).assign(subjectID="01", sessionID=1).to_csv(path)
    return path


def tractseg(tmp_path, **columns):
    """Write a table as TractSeg does: one column for each bundle, divided by semicolons."""
    path = tmp_path / "Tractometry_subject1.csv"
    frame = pd.DataFrame(columns)
    np.savetxt(path, frame.to_numpy(), delimiter=";", header=";".join(frame), comments="")
    return path


def values(frame, hemisphere, feature):
    own = frame[(frame["hemisphere"] == hemisphere) & (frame["feature"] == feature)]
    assert list(own["node"]) == list(NODES)
    return own.set_index("node")


@pytest.mark.parametrize("names", [("Left Corticospinal", "Right Corticospinal"), ("CST_L", "CST_R")])
def test_profiles_of_pyafq(tmp_path, names):
    path = pyafq(tmp_path, [*names, "Left Arcuate"], dti_fa=0.4 + NODES / 1000, dti_md=0.0007 + NODES / 1e6)
    frame = read_tract_table(path, "pyafq")
    assert len(frame) == 2 * 2 * 100
    assert set(frame["tract"]) == {"cst"}
    assert (frame["status"] == "ok").all()
    assert frame["reason"].isna().all()
    assert frame["n_streamlines"].isna().all()
    assert values(frame, "left", "fa")["value"][99] == pytest.approx(0.499, rel=1e-12)
    assert values(frame, "right", "md")["value"][10] == pytest.approx(0.71, rel=1e-12)


def test_a_bundle_that_pyafq_left_out_has_rows_without_values(tmp_path):
    path = pyafq(tmp_path, ["Left Corticospinal"], dti_fa=np.full(100, 0.5))
    frame = values(read_tract_table(path, "pyafq"), "right", "fa")
    assert frame["value"].isna().all()
    assert (frame["status"] == "missing_input").all()
    assert (
        frame["reason"]
        .str.startswith("the bundle was not found: the table has none of Right Corticospinal, CST_R")
        .all()
    )


def test_nodes_without_value_are_missing_on_their_own(tmp_path):
    fa = np.full(100, 0.5)
    fa[3], fa[4] = np.nan, 0
    frame = values(read_tract_table(pyafq(tmp_path, ["CST_L", "CST_R"], dti_fa=fa), "pyafq"), "left", "fa")
    assert frame.index[frame["value"].isna()].tolist() == [3, 4]
    assert frame["reason"][4] == "the table has no value, or 0, at this node"


@pytest.mark.parametrize("first", ["", "bundle"])
def test_streamlines_are_counted_where_pyafq_tells(tmp_path, first):
    path = pyafq(tmp_path, ["Left Corticospinal"], dti_fa=np.full(100, 0.5))
    text = f"{first},n_streamlines,n_streamlines_clean\nLeft Corticospinal,393,350\nRight Corticospinal,0,0\nTotal,393,350\n"
    (counts,) = put(tmp_path, "counts.csv", text=text)
    frame = read_tract_table(path, "pyafq", counts=counts)
    assert frame.groupby("hemisphere")["n_streamlines"].first().to_dict() == {"left": 350, "right": 0}


@pytest.mark.parametrize(("nodes", "first"), [(98, 1), (100, 0)])
def test_profiles_of_tractseg(tmp_path, nodes, first):
    md = 0.0007 + np.arange(nodes) / 1e6
    path = tractseg(tmp_path, AF_left=md, CST_left=md, CST_right=md[::-1])
    frame = values(read_tract_table(path, "tractseg", feature="md"), "left", "md")
    there = frame[frame["status"] == "ok"]
    assert list(there.index) == list(range(first, first + nodes))
    np.testing.assert_allclose(there["value"], md * 1000, rtol=1e-12)


def test_zeros_of_tractseg_are_a_missing_bundle(tmp_path):
    path = tractseg(tmp_path, CST_left=np.full(98, 0.45), CST_right=np.zeros(98))
    frame = read_tract_table(path, "tractseg", feature="fa")
    right = values(frame, "right", "fa")
    assert right["value"].isna().all()
    assert (right["status"] == "missing_input").all()
    assert set(right["reason"]) == {"the bundle was not found: CST_right has only zeros"}
    assert not (frame["value"] == 0).any()


def test_a_tractseg_table_of_another_measure_is_refused_by_its_values(tmp_path):
    path = tractseg(tmp_path, CST_left=np.full(98, 0.45), CST_right=np.full(98, 0.45))
    with pytest.raises(
        ScanFault,
        match=r"Tractometry_subject1.csv: the median of MD is 450 um2/ms by the unit of its producer",
    ):
        read_tract_table(path, "tractseg", feature="md")
    with pytest.raises(InputError, match="does not say which measure it holds"):
        read_tract_table(path, "tractseg")


FAULTS = {
    "no file": (None, "is no readable table"),
    "empty": ("", "is no readable table"),
    "another table": ("a,b\n1,2\n", "lacks the column tractID, nodeID"),
    "several scans": (
        "tractID,nodeID,dti_fa\nCST_L,0,0.5\nCST_L,0,0.4\n",
        "has several rows for one tract and node",
    ),
    "no measure": ("tractID,nodeID,dki_mk\nCST_L,0,1\n", "holds none of dti_fa, dti_md, dti_ad, dti_rd"),
    "words": ("tractID,nodeID,dti_fa\nCST_L,0,high\n", "dti_fa: holds cells that are no numbers"),
    "another unit": ("tractID,nodeID,dti_md\nCST_L,0,0.7\n", "the median of MD is 700 um2/ms"),
    "no FA": ("tractID,nodeID,dti_fa\nCST_L,0,700\n", "the median of FA is 700"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_table_that_breaks_a_rule_is_a_fault_of_the_scan(tmp_path, name):
    text, rule = FAULTS[name]
    path = tmp_path / "profiles.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ScanFault, match=rule):
        read_tract_table(path, "pyafq")


@pytest.mark.parametrize("columns", [{"AF_left": np.ones(98)}, {"CST_left": np.full(101, 0.5)}])
def test_a_wide_table_of_other_shape_is_a_fault(tmp_path, columns):
    with pytest.raises(ScanFault, match=r"has \d+ rows, and [01] of the columns CST_left, CST_right"):
        read_tract_table(tractseg(tmp_path, **columns), "tractseg", feature="fa")


@pytest.mark.parametrize("text", ["a,b\nCST_L,3\n", "a,n_streamlines\nCST_L,many\n"])
def test_counts_that_are_none_are_a_fault(tmp_path, text):
    path = pyafq(tmp_path, ["CST_L"], dti_fa=np.full(100, 0.5))
    (counts,) = put(tmp_path, "counts.csv", text=text)
    with pytest.raises(ScanFault, match=r"counts.csv: has no column n_streamlines_clean"):
        read_tract_table(path, "pyafq", counts=counts)


@pytest.mark.parametrize("producer", ["fsl", "nobody"])
def test_a_producer_without_such_tables_is_refused(tmp_path, producer):
    with pytest.raises(InputError, match="name one of pyafq, tractseg"):
        read_tract_table(tmp_path / "x.csv", producer)
