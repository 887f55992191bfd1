from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import nilearn
import numpy as np
import pandas as pd
import pytest

from neurotrial.extract.bids.finding import find_scans
from neurotrial.extract.scan import extract_scan
from neurotrial.imaging_plan import ImagingPlan
from neurotrial.simulation.brains import correlation_matrix
from neurotrial.simulation.dataset_top import write_dataset_top
from neurotrial.simulation.motion import RESTLESS
from neurotrial.simulation.nodes import node_table
from neurotrial.simulation.protocols import PRESETS
from neurotrial.simulation.scan_files import write_bold_scan, write_dwi_scan
from neurotrial.simulation.scans import make_bold_scan, make_dwi_scan, scan_rng, with_confounds
from neurotrial.simulation.tissue import Pathology

SMALL = PRESETS["small"]
STROKE = Pathology("right", 40.0, 0.7, 0.97)
TRUE = correlation_matrix(0.22, 0.45, 0.5)
PEOPLE = pd.DataFrame({
    "participant_id": ["sub-001", "sub-002"], "arm": ["cells", "control"], "age": [60, 70], "sex": ["female", "male"],
    "lesion_side": ["right", "left"], "lesion_volume_ml": [40.0, 10.0],
})  # fmt: skip
SESSIONS = {"01": "baseline", "02": "day90"}
SCANS = pd.DataFrame({"participant_id": ["sub-001", "sub-001"], "visit": ["baseline", "day90"]})


def write_both(root, seed=1, participant=1, run=None):
    dwi = make_dwi_scan(SMALL, STROKE, scan_rng(seed, participant, 1, "dwi"))
    bold = make_bold_scan(SMALL, STROKE, TRUE, scan_rng(seed, participant, 1, "bold"))
    return write_dwi_scan(root, "sub-001", "01", dwi, run) + write_bold_scan(root, "sub-001", "01", bold, run)


def test_files_have_the_names_of_bids(tmp_path):
    written = {
        path.relative_to(tmp_path / "derivatives/simulated/sub-001/ses-01").as_posix()
        for path in write_both(tmp_path)
    }
    mni, p = "space-MNI152NLin2009cAsym", "sub-001_ses-01"
    masks = {
        f"dwi/{p}_hemi-{h}_space-ACPC_label-{label}_mask.nii.gz" for h in "LR" for label in ("CST", "PLIC")
    }
    assert written == masks | {
        *(f"dwi/{p}_space-ACPC_desc-preproc_dwi.{end}" for end in ("nii.gz", "bval", "bvec", "json")),
        f"dwi/{p}_space-ACPC_desc-brain_mask.nii.gz",
        f"dwi/{p}_space-ACPC_label-lesion_mask.nii.gz",
        *(f"func/{p}_task-rest_{mni}_desc-preproc_bold.{end}" for end in ("nii.gz", "json")),
        *(f"func/{p}_task-rest_desc-confounds_timeseries.{end}" for end in ("tsv", "json")),
        f"func/{p}_task-rest_{mni}_desc-brain_mask.nii.gz",
        f"func/{p}_{mni}_label-lesion_mask.nii.gz",
    }


def test_a_run_stands_after_session_and_task(tmp_path):
    names = [path.name for path in write_both(tmp_path, run=1)]
    assert "sub-001_ses-01_run-1_space-ACPC_desc-preproc_dwi.nii.gz" in names
    assert "sub-001_ses-01_task-rest_run-1_desc-confounds_timeseries.tsv" in names


def test_files_are_the_same_byte_for_byte_and_differ_by_seed_and_participant(tmp_path):
    first, again, seed, person = (
        {path.name: path.read_bytes() for path in write_both(tmp_path / name, *numbers)}
        for name, numbers in {"a": (1, 1), "b": (1, 1), "c": (2, 1), "d": (1, 2)}.items()
    )
    assert first == again
    for name in first:
        if name.endswith((".tsv", "dwi.nii.gz", "bold.nii.gz")):
            assert len({first[name], seed[name], person[name]}) == 3


def test_images_hold_what_was_simulated_and_say_so(tmp_path):
    scan = make_dwi_scan(SMALL, STROKE, scan_rng(1, 1, 1, "dwi"))
    path = write_dwi_scan(tmp_path, "sub-001", "01", scan)[0]
    image = nibabel.load(path)
    assert bytes(image.header["descrip"]).rstrip(b"\0") == b"SIMULATED"
    assert np.array_equal(image.affine, SMALL.dwi.grid.affine)
    assert nibabel.aff2axcodes(image.affine) == ("R", "A", "S")
    assert image.get_data_dtype() == np.int16
    assert (image.dataobj.slope, image.dataobj.inter) == (1.0, 0.0)
    data = np.asanyarray(image.dataobj)
    assert np.array_equal(data.reshape(-1, data.shape[3], order="F")[scan.head.voxels].T, scan.signal)
    assert np.count_nonzero(data) == np.count_nonzero(scan.signal)
    assert (
        json.loads(path.with_name(path.name.replace("nii.gz", "json")).read_text("utf-8"))["Simulated"]
        is True
    )


def test_bold_images_know_the_time_between_volumes(tmp_path):
    path, sidecar, *_ = write_bold_scan(
        tmp_path, "sub-001", "01", make_bold_scan(SMALL, STROKE, TRUE, scan_rng(1, 1, 1, "bold"))
    )
    assert nibabel.load(path).header.get_zooms() == (6.0, 6.0, 6.0, 2.0)
    assert json.loads(sidecar.read_text("utf-8"))["RepetitionTime"] == 2.0


def test_small_files_stay_small(tmp_path):
    sizes = {path.name: path.stat().st_size for path in write_both(tmp_path)}
    assert max(sizes.values()) < 2e6
    assert sum(size for name, size in sizes.items() if "dwi" in name or "ACPC" in name) < 1e6


def test_directions_follow_the_convention_of_fsl(tmp_path):
    files = write_dwi_scan(tmp_path, "sub-001", "01", make_dwi_scan(SMALL, STROKE, scan_rng(1, 1, 1, "dwi")))
    bvec = np.loadtxt(files[2])
    assert np.allclose(bvec, (SMALL.dwi.bvecs * [-1, 1, 1]).T, rtol=0, atol=1e-8)
    assert "-0.00000000 " not in files[2].read_text("utf-8").splitlines()[0]
    assert np.array_equal(np.loadtxt(files[1]), SMALL.dwi.bvals)


def test_the_top_of_the_dataset_says_simulated_and_keeps_the_arm_to_itself(tmp_path):
    files = write_dataset_top(tmp_path, PEOPLE, SCANS, SESSIONS)
    texts = {path.relative_to(tmp_path).as_posix(): path.read_text("utf-8") for path in files}
    raw, derivative = (
        json.loads(texts[name])
        for name in ("dataset_description.json", "derivatives/simulated/dataset_description.json")
    )
    assert (raw["DatasetType"], derivative["DatasetType"]) == ("raw", "derivative")
    assert derivative["GeneratedBy"][0]["Name"] == "neurotrial"
    assert all("SIMULATED" in text for text in (raw["Name"], derivative["Name"], texts["README"]))
    assert texts["participants.tsv"] == "participant_id\tage\tsex\tlesion_side\nsub-001\t60\tfemale\tright\n"
    assert texts["sub-001/sub-001_sessions.tsv"] == "session_id\tvisit\nses-01\tbaseline\nses-02\tday90\n"
    assert json.loads(texts["derivatives/simulated/label-lesion_mask.json"])["Type"] == "Lesion"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    write_dataset_top(folder / "bids", PEOPLE, SCANS, SESSIONS)
    write_both(folder / "bids")
    restless = make_bold_scan(SMALL, STROKE, TRUE, scan_rng(1, 1, 2, "bold"), RESTLESS)
    write_bold_scan(folder / "bids", "sub-001", "02", restless)
    node_table().to_csv(folder / "nodes.tsv", sep="\t", index=False)
    return folder


def extracted(folder, modality, visit):
    plan = ImagingPlan(derivatives=["derivatives/simulated"], sessions=SESSIONS)
    scans, warnings = find_scans(plan, folder, PEOPLE)
    assert not warnings
    (scan,) = (
        scan
        for scan in scans
        if (scan.participant_id, scan.modality, scan.visit) == ("sub-001", modality, visit)
    )
    return extract_scan(scan, plan, folder, simulated=True)


def test_the_extraction_measures_what_was_put_in_to_a_diffusion_scan(study):
    tables = extracted(study, "dwi", "baseline").tables
    features = tables["features"].query(
        "feature == 'fa' and lesion_policy == 'include' and statistic == 'mean'"
    )
    fa = features.set_index(["region", "side"])["value"]
    assert (features["status"] == "ok").all()
    for region in ("cst", "plic"):
        assert fa[region, "ipsilesional"] < fa[region, "contralesional"] - 0.1
        assert 0.45 < fa[region, "contralesional"] < 0.65
    lesion = tables["lesions"].iloc[0]
    assert lesion["side"] == "right"
    assert lesion["volume_ml"] == pytest.approx(40, abs=SMALL.dwi.grid.voxel_ml / 2)


def test_the_extraction_measures_a_resting_state_scan_and_flags_a_restless_one(study):
    tables = extracted(study, "bold", "baseline").tables
    assert tables["features"]["status"].isin(["ok", "flagged"]).all()
    assert (tables["nodes"]["coverage"] == 1).all()
    quality = extracted(study, "bold", "day90").tables["quality"].set_index("measure")
    assert quality.loc["share_censored", "flagged"]


@pytest.mark.parametrize(
    "name", ["no_nonsteady_desc-confounds_regressors", "test-v21_desc-confounds_timeseries"]
)
def test_a_real_table_of_confounds_is_written_as_it_stands(tmp_path, name):
    path = Path(nilearn.__file__).parent / f"interfaces/fmriprep/data/{name}.tsv"
    real = pd.read_csv(path, sep="\t")
    scan = with_confounds(SMALL, STROKE, TRUE, scan_rng(1, 1, 1, "bold"), real)
    image, _, table, *_ = write_bold_scan(tmp_path, "sub-001", "01", scan)
    assert nibabel.load(image).shape[3] == len(real)
    pd.testing.assert_frame_equal(pd.read_csv(table, sep="\t"), real, check_exact=True)


def test_no_scan_moves_another():
    streams = [
        scan_rng(1, 1, 1, "dwi"),
        scan_rng(1, 1, 1, "bold"),
        scan_rng(1, 1, 2, "dwi"),
        scan_rng(1, 2, 1, "dwi"),
    ]
    assert len({stream.integers(2**62) for stream in streams}) == 4
    other = replace(STROKE, volume_ml=10.0)
    before = make_dwi_scan(SMALL, STROKE, scan_rng(1, 2, 1, "dwi"))
    make_dwi_scan(SMALL, other, scan_rng(1, 1, 1, "dwi"))
    assert np.array_equal(make_dwi_scan(SMALL, STROKE, scan_rng(1, 2, 1, "dwi")).signal, before.signal)
