"""The register of the plan: copies that stay, and differences in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from neurotrial.errors import InputError
from neurotrial.registration import (
    Difference,
    plan_differences,
    reason_of,
    register_plan,
    registered_plans,
    registration_warnings,
)
from neurotrial.reports.scaffold import write_scaffold
from neurotrial.study import Deviation
from neurotrial.study_file import read_study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_scaffold(tmp_path / "study")
    return tmp_path / "study"


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "study.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_plan_is_registered_with_what_was_known(folder, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    target = register_plan(folder, "as published")
    assert target == folder / "registered" / "001"
    assert (target / "study.yaml").read_bytes() == (folder / "study.yaml").read_bytes()
    (one,) = registered_plans(folder)
    assert (one["number"], one["registered"], one["note"]) == (1, "2023-11-14T22:13:20+00:00", "as published")
    assert (one["outcome_tables"], one["results"]) == ([], False)
    assert "study" not in one["plan"]
    rows = (
        "participant_id\tvisit\tdays_since_randomisation\tscale\tscore\nsub-1\tbaseline\t0\tfma_total\t20\n"
    )
    motor = folder / "tables" / "motor.tsv"
    motor.write_text(rows)
    edit(folder, "seed: ", "seed: 9")
    register_plan(folder)
    motor.write_text(f"{rows}sub-1\tday90\t90\tfma_total\t30\n")
    edit(folder, "seed: ", "seed: 9")
    register_plan(folder)
    assert [one["outcome_tables"] for one in registered_plans(folder)] == [[], [], ["motor"]]


def test_a_registration_that_is_missing_or_whose_record_was_edited_is_noticed(folder):
    first = register_plan(folder)
    edit(folder, "seed: ", "seed: 9")
    register_plan(folder)
    record = first / "register.json"
    text = record.read_text()
    record.write_text(text.replace('"note": null', '"note": "later"'))
    with pytest.raises(InputError, match="does not follow the registration before it"):
        registered_plans(folder)
    record.write_text(text)
    shutil.rmtree(first)
    with pytest.raises(InputError, match="one is missing"):
        registered_plans(folder)


def test_the_same_plan_is_not_registered_twice_and_words_make_no_other_plan(folder):
    register_plan(folder)
    edit(folder, "title: Motor", "title: A motor")
    with pytest.raises(InputError, match="is this plan already"):
        register_plan(folder)


@pytest.mark.parametrize("change", ["edit", "remove", "break"])
def test_a_registered_file_that_was_touched_is_refused(folder, change):
    target = register_plan(folder)
    if change == "edit":
        (target / "study.yaml").write_text((target / "study.yaml").read_text() + "\n")
        message = "is not the file that was registered"
    else:
        message = "cannot be read as a registration"
        (target / "study.yaml").unlink() if change == "remove" else (target / "register.json").write_text(
            "[]"
        )
    with pytest.raises(InputError, match=message):
        registered_plans(folder)


def test_differences_are_told_by_name_and_in_words():
    planned = {
        "seed": 1,
        "analyses": [{"name": "primary", "label": "P", "methods": ["ancova"], "covariates": []}],
        "conf_level": 0.95,
    }
    executed = {
        "seed": 1,
        "analyses": [
            {"name": "extra", "label": "Extra", "methods": ["ranks"], "covariates": []},
            {"name": "primary", "label": "P", "methods": ["ancova", "ranks"], "covariates": ["age"]},
        ],
        "conf_level": 0.9,
        "study": {"title": "other"},
        "deviations": [],
    }
    assert plan_differences(planned, executed) == [
        Difference("analyses.primary.methods", "ancova", "ancova, ranks"),
        Difference("analyses.primary.covariates", "absent", "age"),
        Difference("analyses.extra", "absent", "Extra"),
        Difference("conf_level", "0.95", "0.9"),
    ]
    assert plan_differences(planned, planned) == []


def test_the_closest_reason_counts():
    near = Deviation(what="analyses.primary.methods", reason="near")
    far = Deviation(what="analyses.primary", reason="far")
    difference = Difference("analyses.primary.methods", "a", "b")
    assert reason_of(difference, [far, near]) is near
    assert reason_of(Difference("analyses.primary.label", "a", "b"), [far, near]) is far
    assert reason_of(Difference("analyses.primary2.label", "a", "b"), [far, near]) is None


def test_a_reason_without_a_difference_is_a_warning(folder):
    register_plan(folder)
    with (folder / "study.yaml").open("a", encoding="utf-8") as file:
        file.write("deviations:\n  - {what: conf_level, reason: none}\n")
    edit(folder, "seed: ", "seed: 9")
    (warning,) = registration_warnings(folder, read_study(folder / "study.yaml"))
    assert warning.where == "study.yaml: deviations[0]"
    assert warning.remedy == "name one of: seed"
    assert json.loads((folder / "registered" / "001" / "register.json").read_text())["note"] is None
