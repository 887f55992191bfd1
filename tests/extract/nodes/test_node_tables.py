"""Tables of nodes: published coordinates as their sources have them, and what a user's table must be."""

from __future__ import annotations

import nibabel
import numpy as np
import pandas as pd
import pytest
from nilearn.datasets import fetch_coords_dosenbach_2010, fetch_coords_seitzman_2018

from neurotrial.errors import InputError
from neurotrial.extract import node_sets, read_atlas, read_nodes
from neurotrial.extract.nodes.label_nodes import label_nodes, label_voxels
from neurotrial.extract.nodes.node_tables import talairach_to_mni
from neurotrial.extract.registration.transform import affine_transform

HEADER = "node\tpair\themisphere\tx\ty\tz\tradius_mm"


def written(folder, rows, header=HEADER):
    path = folder / "nodes.tsv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def source_rows(name):
    from neurotrial.extract.nodes import node_tables

    return pd.read_csv(node_tables._SETS / f"{name}.tsv", sep="\t")["source_row"].to_numpy()


@pytest.mark.parametrize(("name", "n"), [("seitzman_motor12", 12), ("seitzman_motor18", 18)])
def test_seitzman_nodes_are_those_of_their_source(name, n):
    nodes = read_nodes(name)
    source = fetch_coords_seitzman_2018(ordered_regions=False)
    rows = source_rows(name)
    assert len(nodes) == n
    assert np.allclose(
        nodes[list("xyz")], pd.DataFrame(source.rois)[list("xyz")].to_numpy()[rows], atol=0.005
    )
    assert nodes["radius_mm"].tolist() == [float(source.radius[row]) for row in rows]
    assert {str(source.networks[row]) for row in rows} == {"SomatomotorDorsal", "SomatomotorLateral"}
    sides = {"cortexL": "left", "cortexR": "right"}
    for row, hemisphere in zip(rows, nodes["hemisphere"], strict=True):
        assert sides.get(str(source.regions[row]), hemisphere) == hemisphere
    crossed = nodes["pair"].str.startswith("cerebellum")
    assert nodes["crossed"].equals(crossed)
    assert [str(source.regions[row]) == "cerebellum" for row in rows] == crossed.tolist()


def test_dosenbach_nodes_are_those_of_their_source():
    nodes = read_nodes("dosenbach_sensorimotor33")
    source = fetch_coords_dosenbach_2010(ordered_regions=False)
    rows = source_rows("dosenbach_sensorimotor33")
    assert np.allclose(nodes[list("xyz")], pd.DataFrame(source.rois)[list("xyz")].to_numpy()[rows])
    assert sorted(rows) == np.flatnonzero(np.array(source.networks) == "sensorimotor").tolist()
    assert nodes["pair"].isna().all()
    assert nodes.set_index("node").loc["sma_43", "hemisphere"] == "none"


@pytest.mark.parametrize("name", node_sets())
def test_published_sets_name_source_and_space(name):
    nodes = read_nodes(name)
    assert nodes["citation"].str.startswith("10.").all()
    assert (nodes["space"] == "MNI152").all()
    pairs = nodes.dropna(subset=["pair"]).groupby("pair")[["x", "y", "z"]]
    for _, own in pairs:
        left, right = own.to_numpy()
        assert (
            np.abs(left * [-1, 1, 1] - right).max() < 10.5
        )  # counterparts are near each other's mirror image


def test_talairach_is_converted_by_the_published_inverse():
    # the inverse as others publish it, to the digits they give
    moved = talairach_to_mni(np.vstack([np.zeros(3), np.eye(3)]))
    assert moved[1] - moved[0] == pytest.approx([1.056585, 0.008834, -0.006820], abs=2e-5)


def test_a_talairach_table_becomes_mni(tmp_path):
    rows = ["m1_l\tm1\tleft\t-37\t-21\t58\t6\tTalairach", "m1_r\tm1\tright\t37\t-21\t58\t6\tTalairach"]
    nodes = read_nodes(written(tmp_path, rows, HEADER + "\tspace"))
    assert nodes["space"].str.contains("from Talairach").all()
    assert nodes["z"].iloc[0] == pytest.approx(62.3, abs=0.05)


def test_unpaired_and_midline_nodes_are_welcome(tmp_path):
    nodes = read_nodes(written(tmp_path, ["sma\tn/a\tnone\t0\t-1\t52\t5", "pmv\tn/a\tright\t50\t5\t22\t6"]))
    assert nodes["pair"].isna().all()
    assert nodes["crossed"].tolist() == [False, False]


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        (["a\tm1\tleft\t-3\t0\t0\t5", "a\tm1\tright\t3\t0\t0\t5"], "every node has a name of its own"),
        (["a\tm1\tup\t-3\t0\t0\t5", "b\tm1\tright\t3\t0\t0\t5"], "hemisphere is left, right, or none"),
        (["a\tn/a\tnone\t9\t0\t0\t5"], r"a node of the midline has \|x\| of at most 5 mm"),
        (["a\tn/a\tleft\t-300\t0\t0\t5"], "coordinates are in mm from the middle of the brain"),
        (["a\tn/a\tleft\t-30\t0\t0\t0"], "a radius is positive"),
        (["a\tn/a\tleft\tx\t0\t0\t5"], "must be filled, the last four with numbers"),
        (["a\tm1\tleft\t-3\t0\t0\t5", "b\tm1\tnone\t0\t0\t0\t5"], "a pair has one node in each hemisphere"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_told_with_its_line(tmp_path, rows, rule):
    with pytest.raises(InputError, match=rule) as raised:
        read_nodes(written(tmp_path, rows))
    assert "line 2: a" in str(raised.value)
    assert "remedy" in str(raised.value)


def test_a_wrong_flag_or_space_is_told(tmp_path):
    rows = ["a\tn/a\tleft\t-3\t0\t0\t5\tmaybe\tMoon"]
    with pytest.raises(InputError, match="crossed is true or false") as raised:
        read_nodes(written(tmp_path, rows, HEADER + "\tcrossed\tspace"))
    assert "a space is one of MNI152, Talairach, native" in str(raised.value)


def test_a_name_that_is_neither_set_nor_file_names_the_sets(tmp_path):
    with pytest.raises(InputError, match="or name a set: dosenbach_sensorimotor33, seitzman_motor12"):
        read_nodes(tmp_path / "seitzman_motor13")
    with pytest.raises(InputError, match="lacks the column radius_mm"):
        read_nodes(written(tmp_path, ["a\tm1\tleft\t-3\t0\t0"], "node\tpair\themisphere\tx\ty\tz"))


@pytest.fixture
def atlas(tmp_path):
    """Return an atlas of two regions of 2 mm voxels: a box on each side and a smaller one on the left."""
    affine = np.array([[2.0, 0, 0, -20], [0, 2, 0, -20], [0, 0, 2, -20], [0, 0, 0, 1]])
    labels = np.zeros((21, 21, 21), "i2")
    labels[3:7, 5:11, 5:11], labels[14:18, 5:11, 5:11], labels[4:7, 14:17, 5:8] = 1, 2, 3
    nibabel.save(nibabel.Nifti1Image(labels, affine), tmp_path / "parcels.nii.gz")
    rows = ["value\tstructure\themisphere", "1\tm1\tleft", "2\tm1\tright", "3\tcerebellum\tleft"]
    (tmp_path / "parcels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return read_atlas(tmp_path / "parcels.nii.gz")


def test_regions_of_an_atlas_are_nodes(atlas):
    nodes = label_nodes(atlas).set_index("node")
    assert nodes.index.tolist() == ["m1_l", "m1_r", "cerebellum_l"]
    assert nodes.loc["m1_l", ["x", "y", "z"]].tolist() == [-11.0, -5.0, -5.0]
    assert nodes["pair"].isna().tolist() == [False, False, True]
    assert nodes["crossed"].tolist() == [False, False, True]
    assert nodes["radius_mm"].isna().all()


@pytest.mark.parametrize("voxel", [2.0, 4.0])
def test_a_region_is_covered_by_what_of_it_the_scan_has(atlas, voxel):
    shape = (int(42 / voxel),) * 3
    affine = np.diag([voxel, voxel, voxel, 1.0])
    affine[:3, 3] = -21 + voxel / 2
    found = label_voxels(atlas, shape, affine)
    if voxel == 2.0:
        assert found.n_voxels.tolist() == [144, 144, 27]
        assert (found.coverage == 1).all()
    moved = affine.copy()
    moved[0, 3] += 12  # the field of view begins in the middle of the left regions
    cut = label_voxels(atlas, shape, moved)
    assert cut.coverage[0] < 0.8
    assert cut.coverage[1] == found.coverage[1]


def test_a_region_reaches_a_scan_in_its_own_space(atlas):
    way = np.eye(4)
    way[:3, 3] = [4.0, 0, -2]
    grid = np.array([[2.0, 0, 0, -24], [0, 2, 0, -20], [0, 0, 2, -18], [0, 0, 0, 1]])
    found = label_voxels(atlas, (21, 21, 21), grid, transform=affine_transform(way))
    assert found.n_voxels.tolist() == [144, 144, 27]
