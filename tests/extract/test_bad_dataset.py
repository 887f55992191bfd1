"""A dataset, or a table of nodes, that breaks a rule stops the extraction before anything is written."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from imaged_study import DERIVATIVE, command, edit, extracted, only, planned, scan_file, table

from neurotrial.cli import main
from neurotrial.errors import InputError
from neurotrial.extract.extraction import plan_scans
from neurotrial.loading import load_study
from neurotrial.study_file import STUDY_FILE, read_study


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def outside(study: Path) -> None:
    """Put a link in the place of the derivatives, which leads out of the dataset."""
    inner = study / "bids" / DERIVATIVE
    shutil.move(inner, study / "elsewhere")
    inner.symlink_to(study / "elsewhere")


def twice(study: Path, pattern: str, old: str, new: str) -> None:
    path = scan_file(study, pattern)
    shutil.copyfile(path, path.with_name(path.name.replace(old, new)))


def without_image(study: Path) -> None:
    for path in (study / "bids" / DERIVATIVE).rglob("*_desc-preproc_*.nii.gz"):
        path.unlink()


FAULTS = {
    "no folder": (
        lambda study: shutil.move(study / "bids", study / "other"),
        "bids: the folder does not exist",
        "remedy: correct `imaging: dataset` in study.yaml",
    ),
    "no dataset": (
        lambda study: (study / "bids" / "dataset_description.json").unlink(),
        "bids: is no BIDS dataset: it has no dataset_description.json",
        "remedy: name the top folder of the dataset under `imaging: dataset`",
    ),
    "a description that is no JSON": (
        lambda study: (study / "bids" / "dataset_description.json").write_text("{", encoding="utf-8"),
        "dataset_description.json: is not readable JSON",
        "remedy: mend the file; BIDS wants Name and BIDSVersion",
    ),
    "a description without version": (
        lambda study: edit(study / "bids" / "dataset_description.json", "BIDSVersion", "Version"),
        "dataset_description.json: has no BIDSVersion",
        "remedy: add it, e.g. 1.9.0",
    ),
    "no derivatives": (
        lambda study: edit(study / "study.yaml", f"[{DERIVATIVE}]", "[derivatives/qsiprep]"),
        "bids: there is no folder derivatives/qsiprep",
        "remedy: correct `imaging: derivatives` in study.yaml",
    ),
    "derivatives by a path that leads outside": (
        lambda study: edit(study / "study.yaml", f"[{DERIVATIVE}]", "[../../images]"),
        "../../images: leads outside",
        "remedy: ",
    ),
    "derivatives by a link that leads outside": (
        outside,
        f"{DERIVATIVE}: leads outside",
        "remedy: ",
    ),
    "two files for one mask": (
        lambda study: twice(study, "dwi/*_label-lesion_mask.nii.gz", "space-ACPC", "space-T1w"),
        "sub-002/ses-01/dwi: 2 files claim to be the lesion of one scan",
        "remedy: keep one, or number the runs (run-1, run-2)",
    ),
    "two images of one scan": (
        lambda study: twice(study, "dwi/*_dwi.nii.gz", "space-ACPC_", ""),
        "sub-002/ses-01/dwi: 2 files claim to be the dwi of one scan",
        "sub-002_ses-01_desc-preproc_dwi.nii.gz",
    ),
    "no image of anybody": (
        without_image,
        "bids: holds no image of any of the 3 participants of the table",
        "looked for e.g. derivatives/simulated/sub-001/ses-01/dwi/sub-001_ses-01_desc-preproc_dwi.nii.gz",
    ),
    "no nodes": (
        lambda study: (study / "nodes.tsv").unlink(),
        "nodes.tsv: the table of nodes does not exist",
        "remedy: add it with the columns node, pair, hemisphere, x, y, z, radius_mm",
    ),
    "nodes without a column": (
        lambda study: edit(study / "nodes.tsv", "radius_mm", "radius"),
        "nodes.tsv: lacks the column radius_mm",
        "remedy: add it",
    ),
    "a node in the wrong hemisphere": (
        lambda study: edit(study / "nodes.tsv", "m1_l\tm1\tleft\t-38.0", "m1_l\tm1\tleft\t38.0"),
        "nodes.tsv: left is x < 0, right is x > 0\n    line 2: m1_l",
        "remedy: correct hemisphere or x",
    ),
    "a pair of one node": (
        lambda study: edit(study / "nodes.tsv", "sma_r\tsma\t", "sma_r\tpre_sma\t"),
        "nodes.tsv: a pair has one node in each hemisphere\n    line 4: sma_l\n    line 10: sma_r",
        "remedy: complete or rename the pair",
    ),
    "a node without a radius": (
        lambda study: edit(study / "nodes.tsv", "56.0\t7.5\n", "56.0\t\n"),
        "nodes.tsv: node, hemisphere, coordinates and radius must be filled, the last four with numbers\n    line 2: m1_l",
        "remedy: fill it",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded(extracted_study):
    return load_study(extracted_study)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_dataset_is_told_and_nothing_is_written(study, loaded, name):
    change, rule, remedy = FAULTS[name]
    change(study)
    before = contents(study)
    with pytest.raises(InputError) as raised:
        plan_scans(replace(loaded, folder=study, study=read_study(study / STUDY_FILE)))
    assert rule in str(raised.value)
    assert remedy in str(raised.value)
    assert contents(study) == before


@pytest.mark.parametrize("name", ["no dataset", "two files for one mask", "a pair of one node"])
def test_the_command_ends_with_2_and_writes_nothing(study, name):
    change, rule, remedy = FAULTS[name]
    change(study)
    before = contents(study)
    done = command(study)
    assert done.exit_code == 2
    assert rule in done.output
    assert remedy in done.output
    assert done.output.endswith("1 error\n")
    assert contents(study) == before


def test_all_faults_are_told_at_once(study):
    (study / "nodes.tsv").unlink()
    for pattern in ("dwi/*_label-lesion_mask.nii.gz", "dwi/*_desc-brain_mask.nii.gz"):
        twice(study, pattern, "space-ACPC", "space-T1w")
    done = command(study)
    assert done.exit_code == 2
    assert "the table of nodes does not exist" in done.output
    assert "claim to be the brain" in done.output
    assert "claim to be the lesion" in done.output
    assert "3 errors" in done.output


def test_a_study_without_images_has_nothing_to_extract(loaded):
    with pytest.raises(
        InputError, match=r"study\.yaml: has no part `imaging`, so there is nothing to extract"
    ):
        plan_scans(replace(loaded, study=loaded.study.model_copy(update={"imaging": None})))


def test_unknown_people_and_sessions_are_warnings(study):
    root = study / "bids" / DERIVATIVE
    shutil.copytree(root / "sub-001", root / "sub-999")
    shutil.copytree(root / "sub-002" / "ses-01", root / "sub-002" / "ses-03")
    before = table(study, "features")
    plan = planned(study)
    assert [problem.severity for problem in plan.warnings] == ["warning", "warning"]
    done = command(study)
    assert done.exit_code == 0
    assert "folders of people who are not in participants, and they are not read\n    sub-999" in done.output
    assert "sessions that study.yaml gives no visit, and they are not read\n    sub-002/ses-03" in done.output
    assert "2 warnings" in done.output
    assert table(study, "features").equals(before)


def test_two_runs_of_a_session_are_two_scans(study):
    only(study, session="01")
    folder = scan_file(study, "dwi/*_dwi.nii.gz").parent
    for path in list(folder.glob("*_desc-preproc_dwi.*")):
        for run in (1, 2):
            shutil.copyfile(path, path.with_name(path.name.replace("_space-ACPC", f"_run-{run}_space-ACPC")))
        path.unlink()
    done = extracted(study)
    assert not done.failed
    rows = table(study, "features").query(
        "participant_id == 'sub-002' and visit == 'baseline' and modality == 'dwi'"
    )
    first, second = (rows[rows["run"] == run]["value"].to_numpy() for run in (1, 2))
    assert len(rows) == 2 * len(first) == 2 * len(second)
    assert np.array_equal(first, second, equal_nan=True)
    again = table(study, "repeatability")
    assert (again["n_pairs"] == 1).all()
    assert (again["within_sd"] == 0).all()
    assert len(again) == np.isfinite(first).sum()


def test_check_tells_what_is_missing_and_what_is_empty_without_opening_an_image(study):
    scan_file(study, "dwi/*.bval").unlink()
    scan_file(study, "func/*_timeseries.tsv").unlink()
    for path in (study / "bids" / DERIVATIVE).rglob("*.nii.gz"):
        path.write_bytes(b"no image")
    scan_file(study, "dwi/*_dwi.nii.gz", "sub-004").write_bytes(b"")
    before = contents(study)
    result = CliRunner().invoke(main, ["check", str(study)])
    # the tables come first, then what three people are too few for
    assert result.exit_code == 2, result.output
    assert "arm 'control' has 1 of the 2 participants that it needs" in " ".join(result.output.split())
    lines = [line.split() for line in result.output.splitlines()]
    tick = "\N{CHECK MARK}"
    assert ["sub-002,", "baseline", tick, "no", "bval", *[tick] * 3, "no", "no"] in lines
    assert ["sub-004,", "baseline", "0", "bytes:", "dwi", *[tick] * 4, "no", "no"] in lines
    assert ["sub-002,", "baseline", tick, tick, "no", tick, tick, "no", "no", "no", "no"] in lines
    assert ["baseline,", "dwi", "3", "1", "0"] in lines
    assert contents(study) == before
