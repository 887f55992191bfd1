"""Replicates have the moments of the model, checks those of the replicates."""

from __future__ import annotations

import numpy as np
import pytest
from bayes_fixture import independent_draws, question

from neurotrial.models.bayes.predictive import checks, replicate, thinned
from neurotrial.models.bayes.two_visits import ANCOVA, GROUP_TIME

MANY = 40_000


def constant(parameters):
    """The same parameters in every draw."""
    return {name: np.broadcast_to(value, (MANY, *np.shape(value))) for name, value in parameters.items()}


def test_replicates_of_an_analysis_of_covariance():
    visits = question(ANCOVA).visits
    values = {"effect": [0.5, -1.0], "covariate_weights": [0.2, 0.1], "intercept": 0.3, "slope": 0.6}
    drawn = replicate(ANCOVA, constant(values | {"sigma": 0.7}), visits, np.random.default_rng(1))
    assert set(drawn) == {"follow_up"}
    mean = 0.3 + 0.6 * visits.baseline + visits.arms @ [0.5, -1.0] + visits.covariates @ [0.2, 0.1]
    # five standard errors of the mean; the relative error of an SD is 1/root(2 n)
    assert np.abs(drawn["follow_up"].mean(axis=0) - mean).max() < 5 * 0.7 / np.sqrt(MANY)
    assert drawn["follow_up"].std(axis=0) == pytest.approx(0.7, rel=5 / np.sqrt(2 * MANY))


def test_replicates_of_group_time_are_correlated_pairs():
    visits = question(GROUP_TIME).visits
    values = {"effect": [0.5, -1.0], "imbalance": [0.1, 0.2], "covariate_weights": [0.2, 0.1]}
    values |= {"mean_baseline": 0.1, "time": 0.9, "sd": [0.8, 1.3], "correlation": 0.6}
    drawn = replicate(GROUP_TIME, constant(values), visits, np.random.default_rng(1))
    before = 0.1 + visits.arms @ [0.1, 0.2]
    after = before + 0.9 + visits.arms @ [0.5, -1.0] + visits.covariates @ [0.2, 0.1]
    assert np.abs(drawn["baseline"].mean(axis=0) - before).max() < 5 * 0.8 / np.sqrt(MANY)
    assert np.abs(drawn["follow_up"].mean(axis=0) - after).max() < 5 * 1.3 / np.sqrt(MANY)
    correlations = [
        np.corrcoef(one, other)[0, 1]
        for one, other in zip(drawn["baseline"].T, drawn["follow_up"].T, strict=True)
    ]
    assert np.abs(np.array(correlations) - 0.6).max() < 5 * (1 - 0.36) / np.sqrt(MANY)


def test_checks_count_replicates_above_what_was_observed():
    replicates = np.array([[0.0, 2.0], [1.0, 3.0], [4.0, 8.0], [2.0, 2.0]])
    found = {check.statistic: check for check in checks(replicates, np.array([1.0, 3.0]), (0.5, 4.0))}
    assert list(found) == ["value", "mean", "sd", "minimum", "maximum"]
    # means 1, 2, 6, 2 against 2: one above, two the same
    assert found["mean"].probability == pytest.approx(0.5)
    assert found["minimum"].probability == pytest.approx((2 + 0.5) / 4)
    assert found["value"].outside == pytest.approx(2 / 8)
    assert np.isnan(found["mean"].outside)
    assert found["value"].quantiles[2] == pytest.approx(2.0)
    assert np.isnan(found["value"].observed)


def test_without_a_range_nothing_is_outside():
    value = next(checks(np.ones((3, 2)), np.ones(2), None))
    assert np.isnan(value.outside)


def test_thinned_draws_come_from_every_chain():
    draws = independent_draws((1, 0), np.random.default_rng(1), chains=4, draws=1500)
    draws.variables["slope"][:] = np.arange(4)[:, None]
    kept = thinned(draws)
    assert len(kept["slope"]) == 2000
    assert np.bincount(kept["slope"].astype(int)).tolist() == [500, 500, 500, 500]
