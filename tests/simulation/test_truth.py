"""Population values of the estimators, and estimates beside them."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from neurotrial.loading import load_study
from neurotrial.models.study_fit import fit_study
from neurotrial.simulation.settings import TrialSettings
from neurotrial.simulation.trial import make_trial
from neurotrial.simulation.truth import compare_with_truth, estimands, joined_tables, of_source, twin_trials
from neurotrial.study_file import read_study


@pytest.fixture(scope="module")
def study(simulated_tables):
    return read_study(simulated_tables / "study.yaml")


@pytest.fixture(scope="module")
def motor_truth(study):
    """What the estimators give for 900 participants, each in both arms."""
    return population_values(study, TrialSettings(), 900)


def population_values(study, settings, people):
    tables = joined_tables(twin_trials(settings, people))
    return pd.DataFrame(estimands(of_source(study, "motor"), tables)).set_index("key")


def test_twins_are_the_same_people_with_the_same_chances_in_each_arm():
    settings = TrialSettings()
    cells, control = twin_trials(settings, 60)
    own = ["participant_id", "age", "sex", "lesion_side", "lesion_volume_ml", "nihss"]
    pd.testing.assert_frame_equal(cells.people[own], control.people[own])
    assert set(cells.people["arm"]) == {"cells"}
    assert set(control.people["arm"]) == {"control"}
    assert cells.people[["itt", "imaging"]].all(axis=None)
    assert not cells.brains["restless"].any()
    first = [trial.motor[trial.motor["visit"] == "baseline"] for trial in (cells, control)]
    pd.testing.assert_frame_equal(*first)
    change = cells.brains["z_inter"] - control.brains["z_inter"]
    later = cells.brains["visit"] == "day90"
    assert change[later].to_numpy() == pytest.approx(
        settings.inter_change[0] - settings.inter_change[1], abs=1e-12
    )
    assert (change[~later] == 0).all()
    other = make_trial(settings)
    assert not cells.people["age"].equals(other.people["age"])


def test_tables_of_twins_have_each_participant_once_in_every_arm():
    tables = joined_tables(twin_trials(TrialSettings(), 60))
    people = tables["participants"]
    assert people["participant_id"].is_unique
    assert people["arm"].value_counts().to_dict() == {"cells": 60, "control": 60}
    assert tables["motor"].groupby("participant_id").size().eq(6).all()


def test_every_motor_estimate_of_the_plan_has_a_population_value(simulated_tables, motor_truth):
    data = load_study(simulated_tables)
    plan = of_source(data.study, "motor").model_copy(update={"n_resamples": 999})
    rows = fit_study(replace(data, study=plan)).tables["estimates"]
    # exact tests, redrawn labels and likelihoods with a category for each score take hours in thousands of participants
    left_out = {
        "rerandomisation", "mann_whitney", "brunner_munzel", "proportional_odds", "proportional_odds_points",
        "fractional_logit", "fractional_logit_points", "beta_binomial", "beta_binomial_points", "censored_gaussian",
        "responders_difference", "responders_ratio", "responders_nnt",
    }  # fmt: skip
    assert set(rows["method"]) >= left_out
    assert sorted(motor_truth.index) == sorted(rows.loc[~rows["method"].isin(left_out), "key"])
    assert motor_truth["value"].notna().all()


def test_the_population_effect_is_positive_and_not_what_was_put_in(motor_truth):
    row = motor_truth.loc["primary/fma_total/itt/ancova_ols/cells-control/day90"]
    assert row["unit"] == "points"
    assert row["n_participants"] == 1800
    # 10 points were put in; ceiling and floor take some of them
    assert 8 < row["value"] < 9.9
    assert 0 < row["monte_carlo_error"] < 1.5


def test_without_effect_every_population_effect_is_zero(study):
    rows = population_values(study, TrialSettings(added_points=(0.0, 0.0), seed=8), 120)
    arm = rows[rows.index.str.contains("itt/") & rows.index.str.contains("cells-control")]
    assert len(arm) >= 12
    # twins with the same chances and no effect are the same numbers: what is left is rounding
    assert arm["value"].to_numpy() == pytest.approx(0, abs=1e-9)


def test_distance_is_in_units_of_both_errors():
    estimates = pd.DataFrame({
        "key": ["a", "b", "c", "d"], "analysis": "primary", "outcome": "o", "method": "m",
        "term": ["arm", "arm", "arm", "lsmean"],
        "estimate": [5.0, 1.0, 2.0, 9.0], "std_error": [3.0, 2.0, math.nan, 1.0],
    })  # fmt: skip
    truth = {"estimands": [
        {"key": "a", "value": 10.0, "monte_carlo_error": 4.0, "unit": "points"},
        {"key": "c", "value": 1.0, "monte_carlo_error": 1.0, "unit": "points"},
        {"key": "d", "value": 1.0, "monte_carlo_error": 1.0, "unit": "points"},
    ]}  # fmt: skip
    table = compare_with_truth(estimates, truth)
    assert table[["key", "truth", "distance"]].to_numpy().tolist() == [["a", 10.0, -1.0]]
