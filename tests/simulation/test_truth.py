"""Population values of the estimators, and estimates beside them."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from neurotrial.loading import load_study
from neurotrial.models.study_fit import fit_study
from neurotrial.simulation.settings import TrialSettings
from neurotrial.simulation.truth import compare_with_truth, estimands, large_trial, of_source
from neurotrial.study_file import read_study


@pytest.fixture(scope="module")
def study(simulated_tables):
    return read_study(simulated_tables / "study.yaml")


@pytest.fixture(scope="module")
def motor_truth(study):
    """What the estimators give for 1800 participants."""
    return pd.DataFrame(
        estimands(of_source(study, "motor"), large_trial(TrialSettings(), 1800).tables)
    ).set_index("key")


def test_a_large_trial_is_of_the_same_kind_but_of_other_people(small_trial):
    many = large_trial(small_trial.settings, 600)
    assert (many.settings.analysed, many.settings.imaged) == ((390, 150), (310, 130))
    assert many.settings.added_points == small_trial.settings.added_points
    assert not many.people["age"].head(60).equals(small_trial.people["age"])


def test_every_motor_estimate_of_the_plan_has_a_population_value(simulated_tables, motor_truth):
    data = load_study(simulated_tables)
    plan = of_source(data.study, "motor").model_copy(update={"n_resamples": 999})
    rows = fit_study(replace(data, study=plan)).tables["estimates"]
    assert sorted(motor_truth.index) == sorted(rows["key"])
    assert motor_truth["value"].notna().all()


def test_the_population_effect_is_positive_and_not_what_was_put_in(motor_truth):
    row = motor_truth.loc["primary/fma_total/itt/ancova_ols/cells-control/day90"]
    assert row["unit"] == "points"
    assert row["n_participants"] == 1620
    assert 5 < row["value"] < 12
    assert 0 < row["monte_carlo_error"] < 1.5


def test_without_effect_the_population_effect_is_zero_within_its_error(study):
    settings = TrialSettings(added_points=(0.0, 0.0), seed=8)
    rows = pd.DataFrame(estimands(of_source(study, "motor"), large_trial(settings, 1800).tables))
    arm = rows[rows["key"].str.contains("ancova_hc3/cells-control")]
    assert len(arm) >= 3
    assert (arm["value"].abs() < 4 * arm["monte_carlo_error"]).all()


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
