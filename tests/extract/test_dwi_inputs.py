"""Diffusion scans that come otherwise than preprocessed and whole: as maps, raw, without a lesion mask, with bad volumes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from imaged_study import PLAN, made, save

from neurotrial.extract.dwi_scan import open_dwi
from neurotrial.extract.scan import expected_features, extract_scan
from neurotrial.extract.scan_result import ScanFault
from neurotrial.extract.visits.scan_maps import read_maps
from neurotrial.imaging_plan import RawPlan, RegionPlan

NAME = "sub-002_baseline_dwi"
KEY = ["feature", "region", "hemisphere", "statistic", "lesion_policy"]


@pytest.fixture(scope="module")
def whole(extracted_study):
    """The maps of the scan as it is."""
    return read_maps(extracted_study / "extraction" / "shards" / NAME / "maps.npz")


@pytest.fixture
def scan(extracted_study, tmp_path):
    """The scan with its files in a folder of their own."""
    found = made(extracted_study, "dwi")
    folder = tmp_path / "files"
    folder.mkdir()
    files = {role: Path(shutil.copy(path, folder)) for role, path in found.files.items()}
    return replace(found, files=files, folder=folder)


def rewritten(scan, role, change):
    image = nibabel.load(scan.files[role])
    save(change(np.asanyarray(image.dataobj).copy()), image.affine, scan.files[role])


def measures(scan) -> pd.DataFrame:
    return open_dwi(scan, PLAN).tables["quality"].set_index("measure")


def as_maps(scan, whole, names=("fa", "md", "ad", "rd")):
    """Write the scalars as FSL does, diffusivities in mm2/s, and give the scan nothing else to be fitted from."""
    files = {role: path for role, path in scan.files.items() if role not in {"dwi", "bval", "bvec"}}
    factors = {}
    for name in names:
        path = scan.folder / f"dti_{name.upper()}.nii.gz"
        values = np.nan_to_num(whole.scalars[name])
        save(values if name == "fa" else values / 1000, whole.affine, path)
        files[name] = path
        factors |= {} if name == "fa" else {name: 1000.0}
    return replace(scan, files=files, factors=factors, preprocessing="maps", producer="fsl")


def features(scan, study) -> pd.DataFrame:
    return extract_scan(scan, PLAN, study, simulated=True).tables["features"].set_index(KEY).sort_index()


def test_maps_of_others_give_the_features_that_a_fit_gives(scan, whole, extracted_study):
    fitted, read = features(scan, extracted_study), features(as_maps(scan, whole), extracted_study)
    # single precision, twice
    assert np.allclose(read["value"], fitted["value"], rtol=1e-5, atol=1e-6, equal_nan=True)
    row = extract_scan(as_maps(scan, whole), PLAN, extracted_study, simulated=True).tables["scans"].iloc[0]
    assert (row["preprocessing"], row["producer"]) == ("maps", "fsl")


def test_a_map_that_is_missing_is_missing_and_told(scan, whole, extracted_study):
    found = features(as_maps(scan, whole, ("fa", "md")), extracted_study)
    lost = found.loc[["ad", "rd"]].query("lesion_policy == 'include'")
    assert lost["value"].isna().all()
    assert not lost["status"].isin(["ok", "flagged"]).any()
    there = found.loc["fa"].dropna(subset="value")
    assert (there["status"] == "flagged").all()
    assert there["reason"].str.contains("there is no map of ad, rd").all()


def test_a_map_in_another_unit_is_refused(scan, whole):
    wrong = as_maps(scan, whole)
    with pytest.raises(ScanFault, match=r"dti_MD\.nii\.gz: the median of MD is 0\.000\d+ um2/ms"):
        open_dwi(replace(wrong, factors={}), PLAN)


def test_a_raw_scan_is_flagged_as_minimal(scan, whole):
    files = {role: path for role, path in scan.files.items() if role != "brain"}
    raw = replace(scan, files=files, preprocessing="minimal", producer="raw")
    opened = open_dwi(raw, PLAN.model_copy(update={"raw": RawPlan(motion=False)}))
    assert opened.maps.notes == (
        "preprocessing is minimal: susceptibility and eddy currents are not corrected",
    )
    assert opened.tables["scans"]["preprocessing"].tolist() == ["minimal"]
    flagged = opened.tables["quality"].set_index("measure").loc["minimal_preprocessing", "flagged"]
    assert flagged
    both = (opened.maps.brain & whole.brain).sum()
    assert 2 * both / (opened.maps.brain.sum() + whole.brain.sum()) > 0.9
    inside = opened.maps.brain & whole.brain
    assert np.allclose(opened.maps.scalars["fa"][inside], whole.scalars["fa"][inside], rtol=0, atol=1e-6)


def test_a_scan_without_a_lesion_mask_keeps_what_does_not_need_it(scan, extracted_study):
    before = features(scan, extracted_study)
    without = replace(scan, files={role: path for role, path in scan.files.items() if role != "lesion"})
    found = features(without, extracted_study)
    include = found.xs("include", level="lesion_policy")
    assert np.array_equal(include["value"], before.xs("include", level="lesion_policy")["value"])
    assert (include["status"] == "flagged").all()
    assert include["reason"].str.startswith("there is no lesion mask").all()
    others = found.drop("include", level="lesion_policy")
    assert others["value"].isna().all()
    assert others["reason"].notna().all()


def test_people_without_a_lesion_need_no_mask(scan):
    healthy = replace(
        scan,
        expected_side="none",
        files={role: path for role, path in scan.files.items() if role != "lesion"},
    )
    opened = open_dwi(healthy, PLAN)
    assert opened.maps.notes == ()
    assert not opened.maps.lesion.any()


def test_an_empty_volume_is_left_out_and_flagged(scan, whole):
    def _emptied(data):
        data[..., 7] = 0
        return data

    rewritten(scan, "dwi", _emptied)
    found = measures(scan)
    assert found.loc["empty_volumes", ["value", "flagged"]].tolist() == [1, True]
    fa = open_dwi(scan, PLAN).maps.scalars["fa"]
    # one direction of many less: other noise, no collapse
    assert np.nanmedian(np.abs(fa - whole.scalars["fa"])) < 0.05


def test_negative_samples_are_left_out_and_flagged(scan):
    def _negative(data):
        out = data.astype(np.int16)
        out[..., 5] = -out[..., 5]
        return out

    rewritten(scan, "dwi", _negative)
    found = measures(scan)
    assert found.loc["bad_samples", "value"] == pytest.approx(1 / 22, rel=0.02)
    assert found.loc["bad_samples", "flagged"]


def test_a_single_unweighted_volume_is_enough_and_flagged(scan):
    rewritten(scan, "dwi", lambda data: data[..., 1:])
    for role in ("bval", "bvec"):
        numbers = np.atleast_2d(np.loadtxt(scan.files[role]))[:, 1:]
        np.savetxt(scan.files[role], numbers)
    found = measures(scan)
    assert found.loc["n_b0", ["value", "flagged"]].tolist() == [1, True]
    assert np.isnan(found.loc["snr", "value"])
    assert np.isfinite(open_dwi(scan, PLAN).maps.scalars["fa"]).any()


def test_motion_of_a_preprocessed_scan_is_that_of_its_producer(scan):
    path = scan.folder / "confounds.tsv"
    path.write_text("framewise_displacement\n" + "\n".join(["n/a", *["0.8"] * 21]) + "\n", encoding="utf-8")
    found = measures(replace(scan, files={**scan.files, "confounds": path}))
    assert found.loc["fd_mean", "value"] == pytest.approx(0.8)
    assert found.loc["fd_mean", "flagged"]
    path.write_text("fd\n1\n", encoding="utf-8")
    with pytest.raises(ScanFault, match="has no column framewise_displacement of numbers"):
        measures(replace(scan, files={**scan.files, "confounds": path}))


def test_secondary_methods_have_their_rows_whether_they_can_be_measured_or_not(scan, extracted_study):
    plan = PLAN.model_copy(update={"regions": RegionPlan(secondary=["streamlines", "tract_table"])})
    columns = ["feature", "region", "hemisphere", "statistic", "method", "lesion_policy"]
    expected = pd.DataFrame(expected_features("dwi", plan, extracted_study))[columns]
    assert not expected.duplicated().any()
    line = np.column_stack([np.full(40, -20.0), np.full(40, -15.0), np.linspace(50, -30, 40)])
    streamlines = [line + np.array([0.3 * n, 0, 0]) for n in range(6)]
    path = scan.folder / "left.tck"
    tractogram = nibabel.streamlines.Tractogram(streamlines, affine_to_rasmm=np.eye(4))
    nibabel.streamlines.save(tractogram, str(path))
    tables = extract_scan(
        replace(scan, files={**scan.files, "streamlines_cst_left": path}),
        plan,
        extracted_study,
        simulated=True,
    ).tables
    assert tables["features"][columns].equals(expected)
    rows = tables["features"].query("method == 'streamlines' and feature == 'fa' and statistic == 'mean'")
    rows = rows.set_index("hemisphere")
    assert rows.loc["left", "n"] == 6
    assert 0 < rows.loc["left", "value"] < 1
    assert (rows.loc["right", "status"], rows.loc["right", "reason"]) == (
        "missing_input",
        "no streamlines were made",
    )
    table = tables["features"].query("method == 'tract_table' and statistic == 'mean'")
    assert (table["status"] == "missing_input").all()
    assert set(tables["profiles"]["method"]) == {"level_sets", "streamlines"}
