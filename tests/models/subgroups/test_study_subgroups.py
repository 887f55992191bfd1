import shutil

import numpy as np
import pytest

from neurotrial.errors import InputError
from neurotrial.loading import load_study
from neurotrial.models import effect_by_subgroup, effect_modification
from neurotrial.models.study_fit import framed
from neurotrial.models.study_subgroups import study_subgroups
from neurotrial.results import RESULT_TABLES
from neurotrial.table_checks import check_table

SHARED = "outcome: fma_total, visit: day90, population: itt"
MORE = f"""
  - {{name: start, label: Start, {SHARED}, by: baseline, kind: continuous, spline_df: 2, errors: OLS, covariates: [age]}}
  - {{name: start_cut, label: Start, {SHARED}, by: baseline, kind: categorical, cut: [20], role: secondary}}
  - {{name: delay, label: Delay, {SHARED}, by: days_randomisation_to_treatment, kind: dose}}
  - {{name: ages, label: Age, {SHARED}, by: age, kind: categorical}}
  - {{name: ward, label: Ward, {SHARED}, by: ward, kind: categorical, fewest: 2}}
  - {{name: grade, label: Grade, {SHARED}, by: grade, kind: continuous}}
"""


@pytest.fixture(scope="module")
def folder(simulated_tables, tmp_path_factory):
    """The template's study with further subgroup analyses, and two columns that no contract knows."""
    target = tmp_path_factory.mktemp("subgroups") / "study"
    shutil.copytree(simulated_tables, target)
    change(
        target, "\n# What the size of the trial is worth:", f"{MORE}\n# What the size of the trial is worth:"
    )
    table = target / "tables" / "participants.tsv"
    head, *lines = table.read_text(encoding="utf-8").splitlines()
    wards = ["a b", "a_b", "c#d"]
    more = [f"{line}\t{wards[k % 3]}\t{k % 7}" for k, line in enumerate(lines)]
    table.write_text("\n".join([f"{head}\tward\tgrade", *more]) + "\n", encoding="utf-8")
    table.with_suffix(".parquet").unlink(missing_ok=True)
    return target


@pytest.fixture(scope="module")
def data(folder):
    return load_study(folder)


@pytest.fixture(scope="module")
def found(data):
    return study_subgroups(data)


def change(folder, old, new):
    plan = folder / "study.yaml"
    text = plan.read_text(encoding="utf-8")
    assert old in text
    plan.write_text(text.replace(old, new, 1), encoding="utf-8")


def rows_of(found, name):
    table = framed("subgroups", found.subgroups)
    return table[table["subgroup"] == name].reset_index(drop=True)


def participants(data):
    return data.outcomes.query("outcome == 'fma_total' and visit == 'day90' and itt")


def test_rows_keep_the_contract(found):
    table = framed("subgroups", found.subgroups)
    assert not check_table(table, RESULT_TABLES["subgroups"], "subgroups")[1]
    assert table["key"].is_unique
    assert len(table) > 150


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("lesion_side", {"by": "lesion_side"}),
        ("start_cut", {"by": "baseline", "cut": [20]}),
        ("ward", {"by": "ward", "fewest": 2}),
        ("stroke_to_baseline", {"by": "days_stroke_to_baseline", "per": 10, "at": [10, 20, 30]}),
        ("start", {"by": "baseline", "spline_df": 2, "errors": "OLS", "covariates": ["age"]}),
        ("delay", {"by": "days_randomisation_to_treatment", "dose": True}),
        ("grade", {"by": "grade"}),
    ],
)
def test_rows_are_those_of_the_functions(data, found, name, call):
    function = (
        effect_modification
        if {"per", "spline_df", "dose"} & set(call) or name == "grade"
        else effect_by_subgroup
    )
    alone = function(
        participants(data), outcome="value", baseline="baseline", arm="arm", reference="control", **call
    ).table
    rows = rows_of(found, name)
    assert rows["method"].tolist() == alone["method"].tolist()
    assert (rows["status"] == alone["status"]).all()
    for column in ("estimate", "conf_high", "p_value", "num_df"):
        np.testing.assert_array_equal(rows[column].to_numpy("float64"), alone[column].to_numpy("float64"))
    assert rows["interval_kind"].tolist() == alone["interval_kind"].tolist()


def test_units_name_the_step(found):
    rows = rows_of(found, "stroke_to_baseline").set_index("method")
    assert rows.loc["effect_slope", "unit"] == "points per 10 days"
    assert rows.loc["interaction", "unit"] == "F"
    assert rows.loc["overall_effect", "unit"] == "points"
    key = rows.loc["effect_at", "key"].iloc[0]
    assert key == "subgroup/stroke_to_baseline/itt/effect_at/cells-control/10/day90"


def test_levels_that_a_key_cannot_tell_apart_have_keys_of_their_own(found):
    keys = rows_of(found, "ward").query("method == 'subgroup_effect'")["key"].tolist()
    assert [key.split("/")[-2] for key in keys] == ["a_b", "a_b", "c_d"]
    assert keys[1].endswith("day90_2")
    assert not any("#" in key for key in keys)


def test_what_cannot_be_computed_is_a_row_with_the_reason(found):
    row = rows_of(found, "ages").iloc[0]
    assert (len(rows_of(found, "ages")), row["method"], row["status"]) == (1, "interaction", "failed")
    assert "different numbers, too many for subgroups" in row["reason"]
    statements = {row["key"]: row["statement"] for row in found.statements}
    assert statements["ages/fma_total/itt/subgroup"].startswith("Not computed (column 'age'")


def test_statements_have_the_labels_and_rest_on_the_interaction(found):
    statements = {row["key"]: row["statement"] for row in found.statements}
    words = statements["lesion_side/fma_total/itt/subgroup"]
    assert words.startswith(
        "Stem cells minus Control in Fugl-Meyer motor score by Lesion side: the interaction test (F(1, "
    )
    assert "change of the effect per 10 days" in statements["stroke_to_baseline/fma_total/itt/subgroup"]


def test_columns_of_numbers_are_read_as_numbers(data):
    assert data.outcomes["grade"].dtype == "float64"
    assert set(data.outcomes["ward"]) == {"a b", "a_b", "c#d"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("by: grade", "by: ward", "tables/participants.tsv: ward: every cell must be a finite number"),
        ("by: grade", "by: lesion_side", "participants.tsv: lesion_side: holds no numbers; subgroup 'grade'"),
        (
            "by: grade",
            "by: grad",
            "participants.tsv: grad: the column is missing; subgroup 'grade' of study.yaml names it",
        ),
        (
            "OLS, covariates: [age]",
            "OLS, covariates: [weight]",
            "participants.tsv: weight: the column is missing; subgroup 'start'",
        ),
    ],
)
def test_columns_are_held_against_the_table(folder, tmp_path, old, new, words):
    target = tmp_path / "study"
    shutil.copytree(folder, target)
    change(target, old, new)
    with pytest.raises(InputError) as error:
        load_study(target)
    assert words in str(error.value)
