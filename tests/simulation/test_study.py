"""A simulated study on disk."""

from __future__ import annotations

import json
from dataclasses import fields

import nibabel
import pytest
from click.testing import CliRunner

from neurotrial.cli import main
from neurotrial.errors import InputError
from neurotrial.executors import SerialExecutor, open_executor
from neurotrial.extract.bids.finding import find_scans
from neurotrial.loading import load_study
from neurotrial.reports.scaffold import write_simulated_scaffold
from neurotrial.simulation import study as simulated_study
from neurotrial.simulation.settings import TrialSettings
from neurotrial.simulation.study import plan_simulation, write_simulation
from neurotrial.simulation.trial import scans_made

TINY = TrialSettings(planned=6, analysed=(3, 2), imaged=(2, 2), excluded=(1, 0))


def write(folder, executor, **choices):
    write_simulated_scaffold(folder, images=choices.get("images", True))
    plan = plan_simulation(TINY, **choices)
    done = []
    write_simulation(plan, folder, executor, done.append)
    assert len(done) == plan.steps
    return plan


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "study"
    return folder, write(folder, SerialExecutor(), truth=False)


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_every_scan_that_was_made_is_found_and_no_other(tiny):
    folder, plan = tiny
    data = load_study(folder, extracted=False)
    scans, warnings = find_scans(data.study.imaging, folder, data.tables["participants"])
    made = {(scan.participant_id, scan.visit) for scan in scans if scan.files}
    assert made == set(scans_made(plan.trial.people).itertuples(index=False, name=None))
    assert len([scan for scan in scans if scan.files]) == 2 * len(made)
    assert len(scans) == 6 * 2 * 2
    assert warnings == []


def test_everything_says_that_it_is_simulated(tiny):
    folder, _ = tiny
    assert load_study(folder, extracted=False).study.study.simulated
    for path in folder.rglob("dataset_description.json"):
        assert "simulated" in json.loads(path.read_text())["Name"].lower(), path
    images = list(folder.rglob("*_dwi.nii.gz")) + list(folder.rglob("*_bold.nii.gz"))
    assert images
    for path in images:
        assert b"simulated" in bytes(nibabel.load(path).header["descrip"].item()).lower(), path


def test_processes_make_the_files_that_one_process_makes(tiny, tmp_path):
    with open_executor(2) as executor:
        write(tmp_path / "study", executor, truth=False)
    assert files_of(tmp_path / "study") == files_of(tiny[0])


def test_the_truth_holds_inputs_estimands_and_what_is_true_of_each_brain(tmp_path, monkeypatch):
    monkeypatch.setattr(simulated_study, "MANY_PEOPLE", 150)
    monkeypatch.setattr(simulated_study, "MANY_BRAINS", 60)
    write(tmp_path / "study", SerialExecutor(), images=False)
    truth = json.loads((tmp_path / "study" / "truth.json").read_text())
    assert truth["simulated"] is True
    assert truth["inputs"]["seed"] == TINY.seed
    assert truth["inputs"]["imaged"] == [2, 2]
    assert len(truth["brains"]) == 12
    assert truth["estimands_from"]["participants"] == {"motor": 150, "features": 60}
    keys = [row["key"] for row in truth["estimands"]]
    assert len(keys) == len(set(keys))
    assert {key.split("/")[1] for key in keys} >= {"fma_total", "fa_cst", "strength_inter", "density"}
    assert all(
        row["monte_carlo_error"] > 0 for row in truth["estimands"] if row["monte_carlo_error"] is not None
    )


@pytest.mark.parametrize("name", ["tables/participants.tsv", "truth.json", "study.yaml"])
def test_a_study_that_is_there_is_never_overwritten(tmp_path, name):
    path = tmp_path / "study" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(InputError, match="are there already, and are never overwritten"):
        write(tmp_path / "study", SerialExecutor(), images=False, truth=False)
    assert files_of(tmp_path / "study") == {name: b"mine"}


def test_the_help_states_the_defaults():
    text = " ".join(CliRunner().invoke(main, ["simulate", "--help"]).output.split())
    for field in fields(TrialSettings):
        if isinstance(field.default, tuple):
            assert f"[default: {field.default[0]:g} {field.default[1]:g}]" in text, field.name


def test_effects_are_options(tmp_path, monkeypatch):
    monkeypatch.setattr(simulated_study, "MANY_PEOPLE", 60)
    monkeypatch.setattr(simulated_study, "MANY_BRAINS", 6)
    sizes = [
        "--planned",
        "6",
        "--analysed",
        "4",
        "2",
        "--imaged",
        "3",
        "2",
        "--excluded",
        "0",
        "0",
        "--jobs",
        "1",
    ]
    options = [*sizes, "--tables-only", "--added-points", "0", "0", "--ipsi-change", "-0.1", "0.2"]
    done = CliRunner().invoke(main, ["simulate", str(tmp_path / "study"), *options])
    assert done.exit_code == 0, done.output
    # a trial without drop-outs may be one without events
    assert CliRunner().invoke(main, ["check", str(tmp_path / "study")]).exit_code == 0
    truth = json.loads((tmp_path / "study" / "truth.json").read_text())
    assert truth["inputs"]["added_points"] == [0, 0]
    assert truth["inputs"]["ipsi_change"] == [-0.1, 0.2]
