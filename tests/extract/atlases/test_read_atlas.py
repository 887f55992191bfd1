from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from atlas_files import AFFINE, volume, write

from neurotrial.errors import InputError
from neurotrial.extract.atlases.atlas import Atlas
from neurotrial.extract.atlases.loading import read_atlas
from neurotrial.extract.atlases.projection import project_regions
from neurotrial.extract.atlases.side_check import centroids
from neurotrial.extract.registration.transform import affine_transform, identity


def test_labels_are_selected_by_name_on_a_canonical_grid(tmp_path: Path) -> None:
    atlas = read_atlas(write(tmp_path), space="MNI152NLin6Asym")
    assert atlas.regions == (
        ("plic", "left"), ("plic", "right"), ("cst", "left"), ("cst", "right"), ("genu", "both"),
    )  # fmt: skip
    np.testing.assert_array_equal(atlas.weights("plic", "left"), volume() == 1)
    assert (atlas.name, atlas.space, atlas.licence, atlas.repaired) == (
        "own", "MNI152NLin6Asym", "not stated", None,
    )  # fmt: skip
    assert centroids(atlas)["plic", "left"] == pytest.approx((-10, -2, 0))


def test_the_same_atlas_stored_from_right_to_left_is_the_same(tmp_path: Path) -> None:
    radiological = AFFINE.copy()
    radiological[0] = [-4, 0, 0, 18]
    atlas = read_atlas(write(tmp_path, volume()[::-1], radiological))
    np.testing.assert_array_equal(atlas.weights("cst", "right"), volume() == 4)


def test_a_mirrored_atlas_is_refused_with_labels_centroids_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_atlas(write(tmp_path, volume()[::-1]))
    (problem,) = caught.value.problems
    assert problem.where == "own.nii.gz"
    assert "10.3389/fnins.2013.00004" in problem.rule
    assert problem.rows[0] == "plic_left: centroid at x = +10.0, y = -2.0, z = +0.0 mm"
    assert len(problem.rows) == 4
    assert "mend the affine" in problem.remedy


def test_a_mirrored_atlas_that_nobody_documented_is_not_repaired(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mirrored"):
        read_atlas(write(tmp_path, volume()[::-1]), repair=True)


def test_values_of_one_structure_make_one_region(tmp_path: Path) -> None:
    table = "value\tstructure\themisphere\n1\tpath\tleft\n3\tpath\tleft\n"
    atlas = read_atlas(write(tmp_path, table=table))
    np.testing.assert_array_equal(atlas.weights("path", "left"), np.isin(volume(), [1, 3]))


def test_a_toml_table_is_read_as_well(tmp_path: Path) -> None:
    table = tmp_path / "labels.toml"
    table.write_text('labels = [[1, "plic", "left"], [2, "plic", "right"]]', encoding="utf-8")
    assert len(read_atlas(write(tmp_path, table=None), labels=table).regions) == 2


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_probability_maps_become_weights(tmp_path: Path, scale: float) -> None:
    maps = np.stack([0.6 * (volume() == value) for value in (1, 2)], axis=-1)
    maps[2, 3, 3, 0], maps[7, 3, 3, 1] = 1.0, 1.0
    table = "value\tstructure\themisphere\n0\tplic\tleft\n1\tplic\tright\n"
    atlas = read_atlas(write(tmp_path, (scale * maps).astype(np.float32), table=table))
    np.testing.assert_allclose(atlas.weights("plic", "right"), maps[..., 1], atol=1e-6)


def test_two_affines_that_contradict_each_other_are_refused_until_one_is_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    image: Any = nib.load(path)
    moved = AFFINE.copy()
    moved[2, 3] += 30
    image.set_sform(AFFINE, code=2)
    image.set_qform(moved, code=2)
    clash = tmp_path / "clash.nii"
    nib.save(image, clash)
    with pytest.raises(InputError, match=r"contradict each other by up to 30\.0 mm"):
        read_atlas(clash, labels=tmp_path / "own.tsv")
    found = {form: read_atlas(clash, labels=tmp_path / "own.tsv", form=form) for form in ("sform", "qform")}
    heights = [centroids(atlas)["plic", "left"][2] for atlas in found.values()]
    assert heights == pytest.approx([0, 30])


def test_faults_of_files_name_rule_and_remedy(tmp_path: Path) -> None:
    empty, cut = tmp_path / "empty.nii.gz", tmp_path / "cut.nii.gz"
    empty.touch()
    cut.write_bytes(write(tmp_path).read_bytes()[:60])
    halves, wild, bare = (tmp_path / f"{name}.nii" for name in ("halves", "wild", "bare"))
    nib.save(nib.Nifti1Image(volume() * 0.5, AFFINE), halves)
    nib.save(nib.Nifti1Image(np.stack([volume() * 70.0] * 2, axis=-1), AFFINE), wild)
    nib.save(nib.Nifti1Image(volume(), AFFINE), bare)
    table = tmp_path / "own.tsv"
    for path, labels, rule in (
        (empty, table, "0 bytes"),
        (cut, table, "own|cut"),
        (halves, table, "not whole numbers"),
        (wild, table, "its maps run from 0 to 350"),
        (bare, None, "its labels are unknown"),
        (bare, tmp_path / "gone.tsv", "does not exist"),
        ("no-such-atlas", None, "no name of an atlas"),
    ):
        with pytest.raises(InputError, match=rule):
            read_atlas(path, labels=labels)


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ("1\tplic\tL\n", "left, right or both"),
        ("x\tplic\tleft\n", "whole number"),
        ("9\tplic\tleft\n", "no voxel"),
        ("", "names no label"),
    ],
)
def test_faults_of_tables_name_their_rows(tmp_path: Path, rows: str, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        read_atlas(write(tmp_path, table="value\tstructure\themisphere\n" + rows))


def test_a_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lacks the column hemisphere"):
        read_atlas(write(tmp_path, table="value\tstructure\n1\tplic\n"))
    for name, text in (("a.toml", "x = 1"), ("b.toml", "= ["), ("c.xml", "<a/>")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=name):
            read_atlas(tmp_path / "own.nii.gz", labels=tmp_path / name)


def test_regions_from_arrays() -> None:
    masks = {("plic", "left"): volume() == 1, ("plic", "right"): volume() == 2}
    atlas = Atlas.from_regions(masks, AFFINE, name="phantom")
    np.testing.assert_array_equal(atlas.weights("plic", "right"), masks["plic", "right"])
    assert atlas.digest == Atlas.from_regions(masks, AFFINE).digest
    with pytest.raises(InputError, match=r"name one of: plic \(left\), plic \(right\)"):
        atlas.weights("cst", "left")
    for regions, rule in (
        ({}, "no region"),
        ({("plic", "left"): masks["plic", "right"]}, "mirrored"),
        ({("plic", "left"): 0.0 * volume()}, "without a voxel"),
        ({("plic", "left"): 2.0 * masks["plic", "left"]}, "from 0 to 1"),
        ({("a", "left"): np.ones((2, 2, 2)), ("b", "left"): np.ones((2, 2, 3))}, "different grids"),
    ):
        with pytest.raises(InputError, match=rule):
            Atlas.from_regions(regions, AFFINE)


def test_projection_reads_where_the_region_lies() -> None:
    masks = {("plic", "left"): volume() == 1, ("cst", "right"): volume() == 4}
    atlas = Atlas.from_regions(masks, AFFINE)
    same = project_regions(atlas, identity(), atlas.image)
    np.testing.assert_array_equal(same["cst", "right"], masks["cst", "right"])
    shifted = np.eye(4)
    shifted[1, 3] = 2.0
    half = project_regions(atlas, affine_transform(shifted), atlas.image, [("plic", "left")])
    assert list(half) == [("plic", "left")]
    np.testing.assert_allclose(half["plic", "left"][2, 2:5, 3], [0.5, 1.0, 0.5])
    assert half["plic", "left"].sum() == pytest.approx(2.0)
