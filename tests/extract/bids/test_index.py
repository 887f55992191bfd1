"""The index has every file once, with what its name and its folder say."""

from __future__ import annotations

import json
import os

import pytest
from bids_files import QSIPREP, dataset, describe, of, put
from hypothesis import given
from hypothesis import strategies as st

from neurotrial.errors import InputError
from neurotrial.extract.bids.entities import parse_name
from neurotrial.extract.bids.index import index_dataset, sidecar
from neurotrial.extract.scan_result import ScanFault


def row(top, name):
    index = index_dataset(top)
    (found,) = index[index["path"] == str(top / name)].to_dict("records")
    return found


def problems(top):
    return [str(problem) for problem in index_dataset(top).attrs["problems"]]


def test_names_and_folders_become_columns(tmp_path):
    top = dataset(tmp_path)
    name = "sub-01/ses-1/dwi/sub-01_ses-1_acq-b2000_dir-AP_run-02_space-ACPC_desc-preproc_dwi.nii.gz"
    put(top / QSIPREP, name)
    found = row(top, f"{QSIPREP}/{name}")
    wanted = {
        "root": QSIPREP, "producer": "QSIPrep", "participant": "sub-01", "session": "1", "run": 2, "datatype": "dwi",
        "suffix": "dwi", "extension": ".nii.gz", "size": 1, "acq": "b2000", "dir": "AP", "space": "ACPC", "desc": "preproc",
    }  # fmt: skip
    assert {key: found[key] for key in wanted} == wanted


def test_every_file_stands_in_the_index_once(tmp_path):
    top = dataset(tmp_path)
    put(
        top,
        "README",
        "participants.tsv",
        "sub-01/anat/sub-01_T1w.nii.gz",
        "derivatives/a/b/derivatives/c/sub-01/x.txt",
    )
    put(top, ".git/objects/ab", "sourcedata/sub-01/scan.dcm", "code/run.py", ".bidsignore")
    index = index_dataset(top)
    shown = {str(path) for path in top.rglob("*") if path.is_file()}
    hidden = {
        path
        for path in shown
        if any(f"/{part}/" in path for part in (".git", "sourcedata", "code")) or "ignore" in path
    }
    assert sorted(index["path"]) == sorted(shown - hidden)
    assert not index.attrs["problems"]


def test_a_derivative_within_a_derivative_is_a_root_of_its_own(tmp_path):
    top = dataset(tmp_path)
    inner = f"{QSIPREP}/qsirecon-DIPYDKI"
    describe(top / inner, "qsirecon")
    (name,) = of("sub-01", "1", "space-ACPC_model-tensor_param-fa_dwimap.nii.gz")
    put(top / inner, name)
    found = row(top, f"{inner}/{name}")
    assert (found["root"], found["producer"], found["participant"]) == (inner, "qsirecon", "sub-01")


def test_participant_and_session_come_from_folders_where_names_have_none(tmp_path):
    describe(tmp_path)
    put(
        tmp_path,
        "derivatives/fsl/sub-01/ses-2/dwi/dti_FA.nii.gz",
        "derivatives/lesions/sub-02_ses-1_lesion.nii.gz",
    )
    fsl = row(tmp_path, "derivatives/fsl/sub-01/ses-2/dwi/dti_FA.nii.gz")
    assert (fsl["participant"], fsl["session"], fsl["suffix"]) == ("sub-01", "2", "FA")
    flat = row(tmp_path, "derivatives/lesions/sub-02_ses-1_lesion.nii.gz")
    assert (flat["participant"], flat["session"]) == ("sub-02", "1")


def test_entities_in_capital_letters_are_the_same_entities(tmp_path):
    describe(tmp_path)
    put(tmp_path, "sub-01/dwi/Sub-01_Desc-preproc_dwi.nii.gz")
    found = row(tmp_path, "sub-01/dwi/Sub-01_Desc-preproc_dwi.nii.gz")
    assert (found["participant"], found["desc"]) == ("sub-01", "preproc")


def test_a_file_in_the_folder_of_another_participant_belongs_to_nobody(tmp_path):
    describe(tmp_path)
    put(tmp_path, "sub-01/ses-1/dwi/sub-02_ses-1_dwi.nii.gz", "sub-01/ses-1/dwi/sub-01_ses-2_dwi.nii.gz")
    index = index_dataset(tmp_path)
    assert index.loc[index["suffix"] == "dwi", ["participant", "session"]].isna().all(axis=None)
    (told,) = problems(tmp_path)
    assert (
        "files are named for another participant or session than their folder, and they are not read" in told
    )
    assert told.count("sub-01/ses-1/dwi/sub-0") == 2


def test_links_are_followed_inside_the_dataset_only(tmp_path):
    top = dataset(tmp_path / "bids")
    put(tmp_path, "elsewhere/sub-01_T1w.nii.gz", "secret.txt")
    put(top, "store/one.nii.gz", text="12345")
    for name in ("sub-01/anat", "sub-02/anat"):
        (top / name).mkdir(parents=True)
    (top / "sub-01/anat/sub-01_T1w.nii.gz").symlink_to("../../store/one.nii.gz")
    (top / "sub-01/anat/sub-01_T2w.nii.gz").symlink_to("../../store/never-fetched.nii.gz")
    (top / "sub-02/anat/sub-02_T1w.nii.gz").symlink_to(tmp_path / "secret.txt")
    (top / "sub-03").symlink_to(tmp_path / "elsewhere")
    index = index_dataset(top).set_index("path")
    assert index.loc[str(top / "sub-01/anat/sub-01_T1w.nii.gz"), "size"] == 5
    assert index.loc[str(top / "sub-01/anat/sub-01_T2w.nii.gz"), "size"] == 0
    assert not index.index.str.contains("sub-03|sub-02_T1w|secret|elsewhere").any()
    (told,) = problems(top)
    assert (
        "links lead out of the dataset, and they are not followed\n    sub-02/anat/sub-02_T1w.nii.gz\n    sub-03\n"
        in told
    )


def test_links_in_a_circle_end(tmp_path):
    describe(tmp_path)
    put(tmp_path, "sub-01/anat/sub-01_T1w.nii.gz", "sub-02/anat/sub-02_T1w.nii.gz")
    (tmp_path / "sub-01/again").symlink_to(tmp_path)
    (tmp_path / "sub-02/other").symlink_to(tmp_path / "sub-01")
    assert len(index_dataset(tmp_path)) == 3


@pytest.mark.skipif(
    os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="nothing is unreadable for root"
)
def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    top = dataset(tmp_path)
    (top / "sub-09").mkdir(mode=0)
    (told,) = problems(top)
    assert "folders cannot be read\n    sub-09: Permission denied" in told


def test_a_folder_that_fails_is_told_and_the_rest_is_listed(tmp_path, monkeypatch):
    top = dataset(tmp_path)
    whole = len(index_dataset(top))
    scandir = os.scandir

    def _refuse(path):
        if str(path).endswith("sub-02"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", _refuse)
    index = index_dataset(top)
    assert len(index) == whole - 6
    assert f"folders cannot be read\n    {QSIPREP}/sub-02: Permission denied" in str(
        index.attrs["problems"][0]
    )


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="nowhere: the folder does not exist"):
        index_dataset(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "text", ["{", "[1]", '{"GeneratedBy": "QSIPrep"}', '{"GeneratedBy": [{"Version": 1}]}', ""]
)
def test_a_description_that_says_nothing_names_no_producer(tmp_path, text):
    put(tmp_path, "dataset_description.json", text=text)
    put(tmp_path, "sub-01/dwi/sub-01_dwi.nii.gz")
    assert index_dataset(tmp_path)["producer"].isna().all()


def test_nearer_sidecars_hold_and_others_add(tmp_path):
    describe(tmp_path)
    image = "sub-01/ses-1/dwi/sub-01_ses-1_dir-AP_dwi.nii.gz"
    put(tmp_path, image)
    texts = {
        "dwi.json": {"EchoTime": 0.1, "Manufacturer": "A", "Top": True},
        "dir-PA_dwi.json": {"Wrong": 1},
        "T1w.json": {"Wrong": 1},
        "sub-01/sub-01_dwi.json": {"EchoTime": 0.2, "Person": True},
        "sub-01/ses-1/dwi/sub-01_ses-1_dwi.json": {"EchoTime": 0.25, "Session": True},
        "sub-01/ses-1/dwi/sub-01_ses-1_dir-AP_dwi.json": {"EchoTime": 0.3},
        "sub-01/ses-1/dwi/sub-01_ses-1_dir-AP_run-1_dwi.json": {"Wrong": 1},
    }
    for name, content in texts.items():
        put(tmp_path, name, text=json.dumps(content))
    wanted = {"EchoTime": 0.3, "Manufacturer": "A", "Top": True, "Person": True, "Session": True}
    assert sidecar(row(tmp_path, image)) == wanted


def test_sidecars_stop_at_the_root_of_the_derivative(tmp_path):
    top = dataset(tmp_path)
    put(top, "dwi.json", text='{"Raw": true}')
    assert sidecar(row(top, f"{QSIPREP}/{of('sub-01', '1', 'space-ACPC_desc-preproc_dwi.nii.gz')[0]}")) == {}


@pytest.mark.parametrize(
    ("text", "rule"), [("{", "is not readable JSON"), ("[1]", "holds no keys and values")]
)
def test_a_sidecar_that_cannot_be_read_is_a_fault(tmp_path, text, rule):
    describe(tmp_path)
    put(tmp_path, "sub-01/dwi/sub-01_dwi.nii.gz")
    put(tmp_path, "dwi.json", text=text)
    with pytest.raises(ScanFault, match=f"dwi.json: {rule}"):
        sidecar({"path": tmp_path / "sub-01/dwi/sub-01_dwi.nii.gz"})


LABELS = st.text("abcXYZ019", min_size=1, max_size=5)


@given(st.dictionaries(st.sampled_from(["sub", "ses", "acq", "run", "space", "desc"]), LABELS), LABELS)
def test_names_are_taken_apart_as_they_were_put_together(entities, suffix):
    name = "_".join([*(f"{key}-{value}" for key, value in entities.items()), f"{suffix}.nii.gz"])
    assert parse_name(name) == (entities, suffix, ".nii.gz")


@given(st.text(max_size=30))
def test_any_name_can_be_taken_apart(name):
    entities, suffix, extension = parse_name(name)
    assert suffix in name
    assert extension in name
    assert all(entity == entity.lower() for entity in entities)
