"""Simulated trials are what their scenario says."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.bayes_plan import NormalPrior
from neurotrial.errors import InputError
from neurotrial.models.bayes_calibration.generators import simulate_trials
from neurotrial.models.bayes_calibration.recovery_scores import CEILING, baseline_sd, mean_difference
from neurotrial.models.bayes_calibration.scenarios import SCENARIOS, Scenario

SEED = np.random.SeedSequence(1)


def test_normal_visits_have_their_moments():
    """44,000 values: five standard errors of a correlation and of a mean of the smaller arm."""
    trials = simulate_trials(Scenario("own", 0.5, correlation=0.6), 1000, SEED)
    before, after = trials.baseline[..., 0], trials.follow_up[..., 0]
    after = after - 0.5 * trials.treated
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] == pytest.approx(0.6, abs=5 * 0.64 / 44_000**0.5)
    assert after[:, trials.treated == 0].mean() == pytest.approx(0, abs=5 / 13_000**0.5)
    assert after.std() == pytest.approx(1, abs=5 / 88_000**0.5)
    assert (trials.truth == 0.5).all()


def test_heavy_tails_are_students_t_of_the_same_sd():
    """The quartile of t on 3 df is 0.7649, over its SD of the root of 3."""
    trials = simulate_trials(Scenario("own", 0.0, distribution="heavy_tails"), 1000, SEED)
    quartile = np.quantile(trials.baseline, 0.75)
    assert quartile == pytest.approx(0.76489 / 3**0.5, abs=0.015)


def test_outcomes_correlate_and_some_are_affected():
    trials = simulate_trials(Scenario("own", 0.8, outcomes=3, between=0.4, affected=2), 1000, SEED)
    assert (trials.truth == [0.8, 0.8, 0]).all()
    correlation = np.corrcoef(trials.baseline.reshape(-1, 3).T)
    assert correlation[np.triu_indices(3, 1)] == pytest.approx([0.4] * 3, abs=0.03)
    gap = trials.follow_up[:, trials.treated == 1].mean(axis=(0, 1))
    assert gap == pytest.approx([0.8, 0.8, 0], abs=0.04)


def test_each_arm_misses_a_fixed_number_with_lower_baselines():
    trials = simulate_trials(SCENARIOS["medium_effect_missing"], 300, SEED)
    gone = np.isnan(trials.follow_up[..., 0])
    assert (gone[:, trials.treated == 1].sum(axis=1) == 6).all()
    assert (gone[:, trials.treated == 0].sum(axis=1) == 3).all()
    assert trials.baseline[gone].mean() < trials.baseline[~gone].mean() - 0.5
    kept = trials.complete()
    assert kept.follow_up.shape == (300, 35, 1)
    assert kept.treated.sum() == 25
    assert np.isfinite(kept.follow_up).all()
    # who is kept keeps baseline and arm
    first = ~gone[0]
    assert np.array_equal(kept.baseline[0], trials.baseline[0][first])
    assert np.array_equal(kept.treated, trials.treated[first])


def test_recovery_scores_are_those_of_the_published_mixture():
    """Design document: baseline 10.3 (SD 7.4), correlation about 0.77, 6.7 % at 0; Monte Carlo error is far smaller."""
    trials = simulate_trials(SCENARIOS["no_effect_recovery"], 500, SEED)
    before, after = trials.baseline.ravel(), trials.follow_up.ravel()
    assert before.mean() == pytest.approx(10.3, abs=0.3)
    assert before.std() == pytest.approx(7.4, abs=0.2)
    assert trials.sd == pytest.approx(baseline_sd())
    assert np.corrcoef(before, after)[0, 1] == pytest.approx(0.77, abs=0.015)
    assert (before == 0).mean() == pytest.approx(0.067, abs=0.006)
    assert after.min() == 0
    assert after.max() == CEILING
    assert np.array_equal(after, np.round(after))


def test_the_ceiling_takes_part_of_added_points():
    added = mean_difference(np.array([0.0, 5.0, 10.0]))
    assert added[0] == 0
    assert 4 < added[1] < 5
    assert 8 < added[2] < 10
    trials = simulate_trials(Scenario("own", 1.0, distribution="recovery"), 2000, SEED)
    gap = trials.follow_up[:, trials.treated == 1].mean() - trials.follow_up[:, trials.treated == 0].mean()
    # SDs of 16 points, 62,000 and 26,000 participants, three errors
    assert gap == pytest.approx(trials.truth[0, 0], abs=3 * 16 * (1 / 62_000 + 1 / 26_000) ** 0.5)


def test_a_design_prior_draws_an_effect_for_each_trial():
    trials = simulate_trials(Scenario("own", NormalPrior(mean=0.5, sd=0.3)), 2000, SEED)
    assert trials.truth.std() == pytest.approx(0.3, rel=0.06)


def test_the_table_of_a_trial():
    frame = simulate_trials(SCENARIOS["medium_effect_missing"], 2, SEED).frame(1)
    assert list(frame.columns) == ["arm", "baseline_1", "follow_up_1"]
    assert frame["arm"].value_counts().to_dict() == {"cells": 31, "control": 13}
    assert frame["follow_up_1"].isna().sum() == 9


def test_impossible_scenarios_are_refused_with_every_reason():
    with pytest.raises(InputError) as caught:
        Scenario("own", np.nan, correlation=1.0, missing=0.9, outcomes=0, between=1.0, affected=2)
    assert len(caught.value.problems) == 6
