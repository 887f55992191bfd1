import numpy as np
import pandas as pd
import pytest

from neurotrial.errors import InputError
from neurotrial.models import ancova, change_score, compare_estimators

ROLES = {"outcome": "day90", "baseline": "baseline", "arm": "arm"}
LONG = {"outcome": "score", "arm": "arm", "visit": "visit", "subject": "participant_id"}


def problems(call, *args, **kwargs):
    with pytest.raises(InputError) as caught:
        call(*args, **kwargs)
    return caught.value.problems


def test_missing_columns_come_with_the_name_that_was_meant(trial):
    first, second = problems(change_score, trial, outcome="day9", baseline="base", arm="arm")
    assert (first.where, first.remedy) == ("column 'day9'", "did you mean 'day90'?")
    assert second.where == "column 'base'"


def test_faults_of_several_columns_are_listed_at_once(trial):
    wide = trial.astype({"day90": "object"})
    wide.loc[3, "day90"] = "lost"
    wide.loc[[1, 2], "baseline"] = np.inf
    wide.loc[4, "arm"] = None
    text, infinite, armless, unknown = problems(change_score, wide, reference="contol", **ROLES)
    assert text.rows == ("row 3: day90=lost",)
    assert infinite.rows == ("row 1: baseline=inf", "row 2: baseline=inf")
    assert armless.rows[0].startswith("row 4: arm=n/a")
    assert unknown.remedy == "did you mean 'control'?"


def test_arms_that_cannot_be_compared(trial):
    (one,) = problems(change_score, trial[trial["arm"] == "cells"], **ROLES)
    assert one.rule == "two or more arms are compared; found: cells"
    trial.loc[(trial["arm"] == "control") & (trial.index > 0), "day90"] = np.nan
    (few,) = problems(change_score, trial, **ROLES)
    assert few.rule.startswith("arm 'control' has 1 of the 2 participants")
    assert few.rows[0] == f"row 1: arm=control, day90=n/a, baseline={trial.loc[1, 'baseline']:g}"


def test_a_column_without_values_is_named(trial):
    (empty,) = problems(ancova, trial.assign(baseline=np.nan), **ROLES)
    assert (empty.where, empty.rule) == ("column 'baseline'", "is missing for every participant")


def test_an_infinite_covariate_is_named(trial):
    (infinite,) = problems(ancova, trial.assign(age=np.inf), covariates=["age"], **ROLES)
    assert infinite.where == "column 'age'"


@pytest.mark.parametrize("dtype", ["Float64", "float32", "int64"])
def test_number_types_do_not_matter(trial, dtype):
    other = trial.astype({"day90": dtype, "baseline": dtype})
    pd.testing.assert_frame_equal(change_score(other, **ROLES).tidy(), change_score(trial, **ROLES).tidy())


def test_doubled_visits_changing_arms_and_missing_ids(trial, long_form):
    long = long_form(trial)
    long.loc[long.index[-1] + 1] = long.iloc[0]
    long.loc[45, ["arm", "age"]] = ["cells", 20.0]
    lacking, doubled, arm, age = problems(
        compare_estimators,
        long.assign(participant_id=long["participant_id"].where(long.index != 50)),
        covariates=["age"],
        **LONG,
    )
    assert lacking.rows == (f"row 50: participant_id=n/a, visit=day90, score={long.loc[50, 'score']:g}",)
    assert len(doubled.rows) == 2
    assert (arm.rule, age.rule) == (
        "the arm changes within a participant",
        "a covariate changes within a participant",
    )
    assert arm.rows == ("row 1: participant_id=sub-001, visit=baseline, arm=control",
                        "row 45: participant_id=sub-001, visit=day90, arm=cells")  # fmt: skip


def test_unknown_visits(trial, long_form):
    long = long_form(trial)
    first, second = problems(compare_estimators, long, baseline_visit="bseline", follow_up="day_90", **LONG)
    assert (first.remedy, second.remedy) == ("did you mean 'baseline'?", "did you mean 'day90'?")
    (same,) = problems(compare_estimators, long, baseline_visit="day90", follow_up="day90", **LONG)
    assert "both visits" in same.rule


def test_visits_are_told_from_their_order_or_must_be_named(trial, long_form):
    long = long_form(trial)
    assert compare_estimators(long, n_resamples=99, **LONG).follow_up == "day90"
    numbered = long.assign(visit=long["visit"].map({"baseline": 0, "day90": 90}))
    visits = compare_estimators(numbered.iloc[::-1], n_resamples=99, **LONG)
    assert (visits.baseline_visit, visits.follow_up) == ("0", "90")
    ordered = pd.Categorical(long["visit"].map({"baseline": "v9", "day90": "v1"}), ["v9", "v1"], ordered=True)
    visits = compare_estimators(long.assign(visit=ordered), n_resamples=99, **LONG)
    assert (visits.baseline_visit, visits.follow_up) == ("v9", "v1")
    named = long.assign(visit=long["visit"].map({"baseline": "v1", "day90": "v2"}))
    first, second = problems(compare_estimators, named, **LONG)
    assert (first.where, second.where) == ("baseline_visit", "follow_up")
    assert first.remedy == "name it; the visits are: v1, v2"


def test_covariates_may_not_take_the_names_that_the_comparison_makes(trial, long_form):
    long = long_form(trial).assign(follow_up=1.0)
    (taken,) = problems(compare_estimators, long, covariates=["follow_up"], **LONG)
    assert taken.remedy == "rename the column"
