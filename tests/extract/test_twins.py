"""Changes of a scan's files that must change nothing, or only one thing: orientation, side, scaling, voxels that do not count."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from imaged_study import PLAN, made
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from neurotrial.extract.regions.features import region_rows
from neurotrial.extract.scan import extract_scan

SAME = {"rtol": 0, "atol": 1e-6}
"""Images are read in single precision: means of some hundred values of 1,000, relative to fluctuations of 1."""
KEY = ["feature", "region", "side", "statistic", "lesion_policy"]
MODALITIES = ("dwi", "bold")


class Bench:
    """A scan whose files are copied into a folder of its own, and the study that it comes from."""

    def __init__(self, study, folder, modality):
        self.study, self.modality = study, modality
        scan = made(study, modality)
        folder.mkdir()
        files = {role: Path(shutil.copy(path, folder)) for role, path in scan.files.items()}
        self.scan = replace(scan, files=files, folder=folder)

    def images(self):
        return {role: path for role, path in self.scan.files.items() if path.name.endswith(".nii.gz")}

    def rewrite(self, role, change):
        """Save what ``change`` makes of data and affine."""
        image = nibabel.load(self.scan.files[role])
        data, affine = change(np.asanyarray(image.dataobj).copy(), image.affine)
        nibabel.save(nibabel.Nifti1Image(data, affine), self.scan.files[role])

    def mask(self, role):
        return np.asanyarray(nibabel.load(self.scan.files[role]).dataobj) > 0

    def tables(self):
        return extract_scan(self.scan, PLAN, self.study, simulated=True).tables

    def features(self):
        return self.tables()["features"]


@pytest.fixture(scope="module")
def untouched(extracted_study):
    """The tables of the scans as they are."""
    scans = {modality: made(extracted_study, modality) for modality in MODALITIES}
    return {
        modality: extract_scan(scan, PLAN, extracted_study, simulated=True).tables
        for modality, scan in scans.items()
    }


@pytest.fixture(params=MODALITIES)
def bench(request, extracted_study, tmp_path):
    return Bench(extracted_study, tmp_path / "files", request.param)


@pytest.fixture
def dwi(extracted_study, tmp_path):
    return Bench(extracted_study, tmp_path / "files", "dwi")


def assert_same(found, before, columns=("value", "n", "coverage")):
    assert found[[*KEY, "hemisphere", "status"]].equals(before[[*KEY, "hemisphere", "status"]])
    for name in columns:
        assert np.allclose(found[name], before[name], equal_nan=True, **SAME)


def mirrored(bench):
    """Turn left into right: images, gradients, the names of hemispheres, and the side of the lesion."""
    for role in bench.images():
        bench.rewrite(role, lambda data, affine: (data[::-1], affine))
    files = dict(bench.scan.files)
    if bench.modality == "dwi":
        for region in ("cst", "plic"):
            names = f"{region}_left", f"{region}_right"
            files |= dict(zip(names, [files[name] for name in names[::-1]], strict=True))
        np.savetxt(files["bvec"], np.loadtxt(files["bvec"]) * [[-1], [1], [1]])
    other = {"left": "right", "right": "left"}[bench.scan.expected_side]
    bench.scan = replace(bench.scan, files=files, expected_side=other)


def test_the_mirror_twin_has_the_same_features_by_side(bench, untouched):
    before = untouched[bench.modality]["features"]
    mirrored(bench)
    found = bench.features()
    keyed = [frame.sort_values(KEY).reset_index(drop=True) for frame in (found, before)]
    assert keyed[0][[*KEY, "status"]].equals(keyed[1][[*KEY, "status"]])
    for name in ("value", "n", "coverage", "lesion_fraction"):
        if name in before:
            assert np.allclose(keyed[0][name], keyed[1][name], equal_nan=True, **SAME)
    one_sided = before["hemisphere"].isin(["left", "right"]).to_numpy()
    assert (keyed[0]["hemisphere"] != keyed[1]["hemisphere"]).sum() == one_sided.sum() > 0


def test_the_mirror_twin_has_the_same_edges_by_class(extracted_study, tmp_path, untouched):
    bench = Bench(extracted_study, tmp_path / "files", "bold")
    before = untouched["bold"]["edges"]
    mirrored(bench)
    found = bench.tables()["edges"]
    turned = {frozenset(pair): r for *pair, r in found[["node_i", "node_j", "r"]].itertuples(index=False)}
    other = {"l": "r", "r": "l"}
    for node_i, node_j, r in before[["node_i", "node_j", "r"]].itertuples(index=False):
        assert turned[frozenset(name[:-1] + other[name[-1]] for name in (node_i, node_j))] == pytest.approx(
            r, abs=1e-6
        )
    means = [frame.groupby("class")["z"].mean() for frame in (found, before)]
    assert np.allclose(means[0], means[1], **SAME)


@pytest.mark.parametrize("axes", ["LAS", "LPS", "PIR"])
def test_the_order_and_direction_of_voxels_do_not_matter(bench, untouched, axes):
    for path in bench.images().values():
        image = nibabel.load(path)
        turn = ornt_transform(io_orientation(image.affine), axcodes2ornt(tuple(axes)))
        nibabel.save(image.as_reoriented(turn), path)
        assert nibabel.aff2axcodes(nibabel.load(path).affine) == tuple(axes)
    assert_same(bench.features(), untouched[bench.modality]["features"])


def test_masks_and_image_may_differ_in_orientation(bench, untouched):
    path = bench.scan.files["lesion"]
    image = nibabel.load(path)
    nibabel.save(
        image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt(("L", "P", "S")))), path
    )
    assert_same(bench.features(), untouched[bench.modality]["features"])


def test_scaled_whole_numbers_equal_single_precision(bench):
    path = bench.scan.files[bench.modality]
    image = nibabel.load(path)
    whole = np.asanyarray(image.dataobj)
    scaled = nibabel.Nifti1Image(whole, image.affine)
    scaled.header.set_slope_inter(0.5, 3)
    plain = nibabel.Nifti1Image(whole * np.float32(0.5) + np.float32(3), image.affine)
    tables = []
    for copy, kind, slope in ((scaled, np.int16, 0.5), (plain, np.float32, 1.0)):
        nibabel.save(copy, path)
        stored = nibabel.load(path)
        assert (stored.get_data_dtype(), stored.dataobj.slope) == (kind, slope)
        tables.append(bench.features())
    # a mean over voxels is scaled once, single precision rounds every voxel
    assert_same(*tables)


def test_voxels_outside_the_brain_change_nothing(bench, untouched):
    outside = ~bench.mask("brain")

    def _noise(data, affine):
        data[outside] = np.random.default_rng(0).integers(1, 3000, (outside.sum(), data.shape[3]))
        return data, affine

    bench.rewrite(bench.modality, _noise)
    found = bench.tables()
    assert found["features"].equals(untouched[bench.modality]["features"])
    assert found["quality"].equals(untouched[bench.modality]["quality"])


def test_brain_voxels_outside_regions_and_nodes_change_no_feature(bench, untouched):
    used = bench.mask("lesion") | ~bench.mask("brain")
    if bench.modality == "dwi":
        for region in ("cst", "plic"):
            used |= bench.mask(f"{region}_left") | bench.mask(f"{region}_right")
    else:
        nodes = untouched["bold"]["nodes"]
        affine = nibabel.load(bench.scan.files["bold"]).affine
        places = nibabel.affines.apply_affine(affine, np.indices(used.shape).reshape(3, -1).T)
        for point in nodes[["x", "y", "z"]].to_numpy():
            used |= (np.linalg.norm(places - point, axis=1) < 8).reshape(used.shape)
    free = np.argwhere(~used)[::7]
    assert len(free) > 100

    def _noise(data, affine):
        data[tuple(free.T)] = np.random.default_rng(0).integers(1, 3000, (len(free), data.shape[3]))
        return data, affine

    bench.rewrite(bench.modality, _noise)
    found = bench.features()
    values = ["value", "n", "coverage"]
    assert found[values].equals(untouched[bench.modality]["features"][values])


def test_without_the_lesion_is_something_else_where_it_overlaps(dwi, untouched):
    rows = (
        untouched["dwi"]["features"]
        .query("statistic == 'mean'")
        .set_index(["feature", "region", "hemisphere", "lesion_policy"])
        .sort_index()
    )
    lesion, brain = dwi.mask("lesion"), dwi.mask("brain")
    ipsi = dwi.scan.expected_side
    for region in ("cst", "plic"):
        for hemisphere in ("left", "right"):
            mask = dwi.mask(f"{region}_{hemisphere}") & brain
            whole, without = (rows.loc["fa", region, hemisphere, policy] for policy in ("include", "exclude"))
            assert whole["n"] == mask.sum()
            assert without["n"] == (mask & ~lesion).sum()
            assert (
                whole["lesion_fraction"]
                == without["lesion_fraction"]
                == pytest.approx((mask & lesion).sum() / mask.sum())
            )
            if hemisphere == ipsi:
                assert 0 < without["n"] < whole["n"]
                assert without["value"] > whole["value"] + 0.005
            else:
                assert without["value"] == whole["value"]
                assert whole["lesion_fraction"] == 0


def test_an_empty_lesion_mask_makes_both_policies_equal_and_is_told(dwi):
    dwi.rewrite("lesion", lambda data, affine: (np.zeros_like(data), affine))
    tables = dwi.tables()
    by_policy = [
        tables["features"].query("lesion_policy == @policy")["value"].to_numpy()
        for policy in ("include", "exclude")
    ]
    assert np.array_equal(*by_policy)
    there = tables["features"].query("lesion_policy in ('include', 'exclude')")
    assert (there["status"] == "flagged").all()
    assert there["reason"].str.startswith("the lesion mask is empty").all()
    others = tables["features"].drop(there.index)
    assert (others["status"] == "not_applicable").all()
    assert others["value"].isna().all()
    assert tables["lesions"]["volume_ml"].tolist() == [0.0]


def test_the_side_of_the_mask_holds_where_the_table_has_none(bench, untouched):
    side = bench.scan.expected_side
    bench.scan = replace(bench.scan, expected_side=None)
    found = bench.features()
    assert (found.query("side == 'ipsilesional'")["hemisphere"] == side).all()
    assert (found.dropna(subset="value")["status"] == "flagged").all()
    told = found.dropna(subset="value")["reason"]
    assert told.str.startswith("the side of the lesion is that of its mask").all()
    assert found["value"].equals(untouched[bench.modality]["features"]["value"])


def test_a_region_outside_the_brain_mask_has_no_value():
    brain = np.zeros((4, 1, 1), dtype=bool)
    brain[0] = True
    region = np.ones_like(brain)
    scalars = {name: np.where(brain, 0.5, np.nan) for name in ("fa", "md", "ad", "rd")}
    regions = {(name, side): region for name in ("cst", "plic") for side in ("left", "right")}
    rows = list(region_rows(scalars, regions, brain, np.zeros_like(brain), "left"))
    assert len(rows) == 32
    assert {row["status"] for row in rows} == {"low_coverage"}
    assert {row["reason"] for row in rows} == {"25% of the region lies inside the brain mask"}
    assert all(np.isnan(row["value"]) for row in rows)


def test_a_region_all_of_lesion_has_no_value_without_it():
    brain = np.ones((4, 1, 1), dtype=bool)
    scalars = {name: np.full(brain.shape, 0.5) for name in ("fa", "md", "ad", "rd")}
    regions = {(name, side): brain for name in ("cst", "plic") for side in ("left", "right")}
    rows = list(region_rows(scalars, regions, brain, brain, "left"))
    for row in rows:
        whole = row["lesion_policy"] == "include"
        assert (row["status"], row["reason"]) == (
            ("ok", None) if whole else ("low_coverage", "no voxel of the region is left")
        )
        assert (row["value"] == 0.5) if whole else np.isnan(row["value"])
