"""The mock before unblinding: a plan's reports with dummy arms, which nothing of the true arms goes into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from neurotrial.cli import main
from neurotrial.errors import InputError
from neurotrial.loading import load_study
from neurotrial.mock_study import MARKER, write_mock
from neurotrial.revealing_columns import revealing_problems

PEOPLE = "tables/participants.tsv"


@pytest.fixture
def folder(tmp_path: Path, write_study: Callable[[Path], None]) -> Path:
    write_study(tmp_path / "study")
    return tmp_path / "study"


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype="str", keep_default_na=False)


def edit_people(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(read(folder / PEOPLE)).to_csv(folder / PEOPLE, sep="\t", index=False)


def edit_plan(folder: Path, change: Callable[[dict], object]) -> None:
    plan = yaml.safe_load((folder / "study.yaml").read_text("utf-8"))
    change(plan)
    (folder / "study.yaml").write_text(yaml.safe_dump(plan, sort_keys=False), "utf-8")


def written(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def shuffled_arms(people: pd.DataFrame) -> pd.DataFrame:
    order = np.random.default_rng(3).permutation(len(people))
    return people.assign(**{name: people[name].to_numpy()[order] for name in ("arm", "block")})


def without_arms(people: pd.DataFrame) -> pd.DataFrame:
    return people.drop(columns=["arm", "block"])


@pytest.mark.parametrize(
    "change",
    [
        shuffled_arms,
        without_arms,
        lambda people: people.assign(arm="n/a", block="n/a"),
        lambda people: people.assign(arm="unknown"),
        lambda people: people.assign(treatment_received="control"),
    ],
    ids=["shuffled", "absent", "empty", "wrong", "treatment"],
)
def test_the_true_arms_leave_no_trace(folder, change):
    before = written(write_mock(folder))
    assert {"study.yaml", "tables/participants.parquet", "tables/motor.tsv", MARKER} <= set(before)
    edit_people(folder, change)
    assert written(write_mock(folder)) == before


def test_sizes_follow_the_declared_ratio_whatever_the_true_sizes(folder):
    unequal = np.random.default_rng(4).permutation(["cells"] * 50 + ["control"] * 10)
    edit_people(folder, lambda people: people.assign(arm=unequal))
    people = load_study(write_mock(folder)).tables["participants"]
    assert people["arm"].value_counts().to_dict() == {"cells": 40, "control": 20}
    assert pd.crosstab(people["block"], people["arm"]).to_numpy().tolist() == [[4, 2]] * 10
    assert people["treatment_received"].tolist() == people["arm"].tolist()
    other = load_study(write_mock(folder, 5)).tables["participants"]
    assert other["arm"].tolist() != people["arm"].tolist()


def test_arms_are_drawn_within_strata_in_the_order_of_randomisation(folder):
    edit_plan(folder, lambda plan: plan["allocation"].update(strata=["sex"], block_sizes=[3, 6]))
    edit_people(folder, lambda people: people.sample(frac=1, random_state=1))
    people = load_study(write_mock(folder)).tables["participants"].sort_values("randomisation_order")
    for _, stratum in people.groupby("sex"):
        sizes = stratum.groupby("block", sort=False)["arm"].agg(
            ["size", lambda arms: (arms == "cells").sum()]
        )
        whole = sizes.to_numpy()[:-1].tolist()
        assert len(whole) > 3
        assert all(pair in ([3, 2], [6, 4]) for pair in whole), whole
        assert stratum["block"].is_monotonic_increasing


@pytest.mark.parametrize("scheme", ["complete", "simple", "unknown"])
def test_without_blocks_the_totals_follow_the_ratio(folder, scheme):
    edit_plan(folder, lambda plan: plan["allocation"].update(scheme=scheme, block_sizes=[]))
    people = load_study(write_mock(folder)).tables["participants"]
    assert people["arm"].value_counts().to_dict() == {"cells": 40, "control": 20}
    assert "block" not in people


def test_what_happened_moves_to_others_and_outcomes_stay(folder):
    target = write_mock(folder)
    before, after = read(folder / PEOPLE), read(target / PEOPLE)
    flags = ["itt", "imaging", "per_protocol", "treated", "days_randomisation_to_treatment"]
    assert (before[flags] != after[flags]).any(axis=None)
    # flags move together: who is in one population still is in the other
    assert sorted(map(tuple, before[flags[:4]].to_numpy())) == sorted(map(tuple, after[flags[:4]].to_numpy()))
    for name in ("events", "harms"):
        old, new = (read(place / f"tables/{name}.tsv") for place in (folder, target))
        assert old["participant_id"].tolist() != new["participant_id"].tolist()
        rest = [column for column in old if column not in {"participant_id", "day"}]
        assert sorted(map(tuple, old[rest].to_numpy())) == sorted(map(tuple, new[rest].to_numpy()))
        counts = [frame["participant_id"].value_counts().tolist() for frame in (old, new)]
        assert counts[0] == counts[1]
    old, new = load_study(folder).outcomes, load_study(target).outcomes
    key = ["participant_id", "visit", "outcome"]
    pairs = old.merge(new, on=key, suffixes=("", "_mock"))
    assert len(pairs) == len(old) == len(new)
    pd.testing.assert_series_equal(pairs["value"], pairs["value_mock"], check_names=False)


def test_an_arm_in_another_table_is_not_carried_over(folder):
    table = folder / "tables" / "motor.tsv"
    arms = read(folder / PEOPLE).set_index("participant_id")["arm"]
    frame = read(table)
    frame.assign(arm=frame["participant_id"].map(arms)).to_csv(table, sep="\t", index=False)
    assert "arm" not in read(write_mock(folder) / "tables/motor.tsv")


@pytest.mark.parametrize(
    ("words", "column"),
    [
        ("everybody", lambda people: people["arm"].map({"cells": "A", "control": "B"})),
        ("everybody", lambda people: [f"{arm}-{n:03d}" for n, arm in enumerate(people["arm"])]),
        ("everybody", lambda people: np.where(people["arm"] == "cells", np.arange(60) + 100, np.arange(60))),
        ("some participants", lambda people: people["days_randomisation_to_treatment"]),
    ],
    ids=["code", "prefix", "range", "given to one arm"],
)
def test_a_column_that_tells_the_arm_is_refused_by_name(folder, words, column):
    edit_people(folder, lambda people: people.assign(hint=column(people)))
    with pytest.raises(InputError, match=rf"participants.tsv: hint: tells the arm of {words}"):
        write_mock(folder)
    assert not (folder / "mock").exists()


def test_columns_that_differ_from_arm_to_arm_by_chance_are_kept():
    rng = np.random.default_rng(1)
    arms = pd.Series(np.repeat(["cells", "control"], [40, 20]))
    people = pd.DataFrame({
        "number": rng.permutation(60),
        "level": rng.choice(["low", "mid", "high"], 60),
        "rare": ["yes"] * 4 + ["no"] * 56,
        "constant": "one",
        "empty": None,
    })  # fmt: skip
    assert revealing_problems(people, arms, "participants") == []
    small = pd.DataFrame({"side": ["left", "left", "right"]})
    assert revealing_problems(small, pd.Series(["cells", "cells", "control"]), "participants") == []


def test_doses_are_given_to_the_dummy_arm(folder):
    edit_plan(
        folder,
        lambda plan: plan["subgroups"].append({
            "name": "dose", "label": "Dose", "outcome": "fma_total", "visit": "day90", "population": "itt",
            "by": "dose", "kind": "dose",
        }),
    )  # fmt: skip
    doses = np.random.default_rng(2).choice(["1", "2", "3"], 60)
    edit_people(folder, lambda people: people.assign(dose=np.where(people["arm"] == "cells", doses, "0")))
    people = load_study(write_mock(folder)).tables["participants"]
    assert (people["dose"].notna() == (people["arm"] == "cells")).all()
    assert set(people["dose"].dropna()) == {1.0, 2.0, 3.0}


def test_a_folder_that_is_no_mock_is_not_overwritten(folder):
    (folder / "mock").mkdir()
    (folder / "mock" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"mock/: is there and holds no mock.json"):
        write_mock(folder)
    assert [path.name for path in (folder / "mock").iterdir()] == ["notes.txt"]


def test_an_earlier_mock_is_replaced_and_the_study_untouched(folder):
    for name in ("results", "output", "reports/figures"):
        (folder / name).mkdir()
        (folder / name / "real.txt").write_text("real")
    before = written(folder)
    target = write_mock(folder)
    assert not list(target.rglob("real.txt"))
    (target / "results").mkdir()
    (target / "results" / "old.txt").write_text("old")
    write_mock(folder, 8)
    assert not (target / "results").exists()
    now = {name: content for name, content in written(folder).items() if not name.startswith("mock/")}
    assert now == before


def test_tables_are_found_where_the_plan_says(folder):
    (folder / "elsewhere").mkdir()
    (folder / PEOPLE).rename(folder / "elsewhere" / "people.tsv")
    edit_plan(folder, lambda plan: plan.update(tables={"participants": "elsewhere/people.tsv"}))
    target = write_mock(folder)
    assert len(load_study(target).tables["participants"]) == 60
    assert load_study(target).study.study.mock


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda people: people.drop(columns="participant_id"), "participant_id: the column is missing"),
        (lambda people: people.assign(age="old"), "every cell must be a finite number"),
        (lambda people: people.head(1), "nobody was drawn into"),
        (lambda people: people.assign(phone="1"), "looks like a direct identifier"),
    ],
)
def test_faults_of_the_tables_are_told_before_anything_is_written(folder, change, message):
    edit_people(folder, change)
    with pytest.raises(InputError, match=message):
        write_mock(folder)
    assert not (folder / "mock").exists()


def test_without_bayes_the_plan_has_no_sampled_method(folder):
    def sampled(plan: dict) -> None:
        first = plan["analyses"][0]
        first["methods"] = ["bayes_ancova", "ancova"]
        first["main_method"] = "bayes_ancova_neutral"
        first.pop("requested_method")
        first.pop("sensitivity")
        plan["associations"][0]["bayes"] = True

    edit_plan(folder, sampled)
    assert load_study(write_mock(folder)).study.analyses[0].methods == ["bayes_ancova", "ancova"]
    study = load_study(write_mock(folder, bayes=False)).study
    assert (study.analyses[0].methods, study.analyses[0].main_method) == (["ancova"], "ancova_hc3")
    assert not study.associations[0].bayes
    edit_plan(folder, lambda plan: plan["analyses"][0].update(methods=["bayes_ancova"]))
    with pytest.raises(InputError, match="primary: has Bayesian methods alone"):
        write_mock(folder, bayes=False)


def test_the_command_reports_every_page_as_a_mock(folder):
    def short(plan: dict) -> None:
        plan["n_resamples"] = 999
        plan["analyses"] = [one for one in plan["analyses"] if one["name"] in {"primary", "imaging"}]
        plan["subgroups"] = []
        plan["power"] = []

    edit_plan(folder, short)
    for name in ("checklists", "supplement"):
        (folder / "reports" / f"{name}.qmd").unlink()
    before = written(folder)
    done = CliRunner().invoke(main, ["mock", str(folder), "--no-bayes", "--to", "html", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert f"Open {folder / 'mock' / 'output'}" in done.output.replace("\n", "")
    for name in ("manuscript", "quality"):
        page = (folder / "mock" / "output" / f"{name}.html").read_text("utf-8")
        assert "MOCK: DUMMY ARMS, SIMULATED DATA" in page, name
    assert "The arms are dummies." in (folder / "mock" / "output" / "manuscript.html").read_text("utf-8")
    assert {n: c for n, c in written(folder).items() if not n.startswith("mock/")} == before
