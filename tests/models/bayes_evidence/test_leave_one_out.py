"""Leaving participants out agrees with the closed form; an outlier is refitted, or told to be unreliable."""

from __future__ import annotations

import numpy as np
import pytest
from evidence_fixture import exact_refit, normal_model

from neurotrial.models.bayes_evidence.leave_one_out import leave_one_out
from neurotrial.models.bayes_evidence.left_out import leave_each_out

DRAWS = 4000


def left_out(model, **choices):
    drawn = model.exact_draws(np.random.default_rng(2), DRAWS)
    left = leave_each_out(model, drawn, chains=4, seed=5, **choices)
    return left, leave_one_out(model, left)


def with_outlier(shift=10.0, n=15):
    model = normal_model(n, missing=False)
    values = model.observed.values.copy()
    values[5, 1] += shift
    return model.with_values(values)


def test_density_of_each_participant_by_the_closed_form():
    model = normal_model()
    _, loo = left_out(model)
    exact = np.array([model.exact_elpd(row) for row in range(44)])
    # the density of who is left out varies by a quarter of itself over the draws: 0.25 / root(4000) = 0.004
    assert np.abs(loo.elpd_i - exact).max() < 0.03
    assert loo.elpd == pytest.approx(exact.sum(), abs=0.15)
    assert loo.elpd_se == pytest.approx(np.sqrt(44) * exact.std(ddof=1), abs=0.05)
    assert loo.status == "reliable"
    assert loo.n_refitted == 0
    # three coefficients, one of them partly known from its prior
    mean, covariance = model.exact()
    draws = model.named(np.random.default_rng(8).multivariate_normal(mean, covariance, 20_000))
    lppd = np.log(np.exp(model.log_likelihood(draws)).mean(axis=0))
    assert loo.p_loo == pytest.approx((lppd - exact).sum(), abs=0.15)
    assert loo.tidy()["participant"].tolist() == list(model.observed.participants)


def test_an_outlier_is_refitted_without():
    model = with_outlier()
    refit, fitted = exact_refit(100_000)
    left, loo = left_out(model, refit=refit)
    assert np.flatnonzero(loo.k > 0.7).tolist() == [5]
    assert fitted == [14]
    assert (loo.status, loo.n_distrusted, loo.n_refitted) == ("refitted", 1, 1)
    density = np.exp(model.log_likelihood(left.refits[5])[:, 5])
    error = density.std() / density.mean() / np.sqrt(100_000)
    assert loo.elpd_i[5] == pytest.approx(model.exact_elpd(5), abs=4 * error)
    assert error < 0.08
    assert loo.tidy().loc[5, "refitted"]


@pytest.mark.parametrize(
    "choices",
    [
        pytest.param({}, id="nothing refits"),
        pytest.param({"refit": lambda *_: None}, id="the other fit failed"),
        pytest.param({"refit": exact_refit()[0], "most_refits": 0}, id="too many"),
    ],
)
def test_an_outlier_that_is_not_refitted_is_unreliable(choices):
    _, loo = left_out(with_outlier(), **choices)
    assert (loo.status, loo.n_distrusted, loo.n_refitted) == ("unreliable", 1, 0)


def test_without_values_a_participant_adds_nothing():
    model = normal_model(12, missing=False)
    values = model.observed.values.copy()
    values[4] = np.nan
    _, loo = left_out(model.with_values(values))
    _, without = left_out(model.without([4]))
    assert loo.k[4] == -np.inf
    assert loo.elpd_i[4] == pytest.approx(0)
    assert loo.elpd == pytest.approx(without.elpd)
    assert loo.elpd_se == pytest.approx(without.elpd_se)


def test_a_participant_whom_some_draws_exclude_is_not_trusted():
    model = normal_model(12)

    class Broken(type(model)):
        def log_likelihood(self, parameters):
            logs = super().log_likelihood(parameters)
            logs[0, 3] = -np.inf
            return logs

    loo = left_out(Broken(model.observed))[1]
    assert np.flatnonzero(~(loo.k <= loo.limit)).tolist() == [3]
    assert loo.status == "unreliable"
