"""Exact posteriors against classical formulas, quadrature, and each other."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from neurotrial.bayes_plan import NormalPrior, NuisancePriors
from neurotrial.errors import InputError
from neurotrial.models.bayes.standardised import TwoVisits
from neurotrial.models.bayes_calibration.conjugate import (
    NormalInverseGamma,
    conjugate_posterior,
    flat_posterior,
)
from neurotrial.models.bayes_calibration.exact import exact_ancova
from neurotrial.models.bayes_calibration.exact_group_time import exact_group_time, pair_model
from neurotrial.models.bayes_calibration.exact_multivariate import flat_matrix_posterior, log_prior_shift


def trial(seed=3, n=30):
    rng = np.random.default_rng(seed)
    arm = (np.arange(n) < 20).astype(float)
    before = rng.normal(size=n)
    after = 0.4 * arm + 0.7 * before + rng.normal(0, 0.7, n)
    return before, after, arm


def ancova_design():
    before, after, arm = trial()
    return after, np.column_stack([np.ones(len(arm)), before, arm])


def test_flat_priors_give_the_classical_interval():
    outcome, design = ancova_design()
    classical = sm.OLS(outcome, design).fit()
    found = flat_posterior(outcome, design).marginal(np.array([0, 0, 1.0]))
    assert found.mean() == pytest.approx(classical.params[2], abs=1e-12)
    assert found.interval(0.95) == pytest.approx(classical.conf_int()[2], abs=1e-12)


def test_wide_priors_of_the_shipped_ancova_have_a_closed_form_limit():
    """A half-normal prior that becomes wide is flat in sigma: one degree of freedom less than the classical interval."""
    before, after, arm = trial()
    wide = NormalPrior.model_construct(mean=0.0, sd=1e5)
    priors = NuisancePriors.model_construct(
        intercept_sd=1e5, slope=wide, covariate_sd=1.0, imbalance_sd=1.0, residual_sd=1e5, correlation_eta=1.0
    )
    visits = TwoVisits(before, after, arm[:, None], np.empty((len(arm), 0)))
    found = exact_ancova(visits, wide, priors)
    limit = flat_posterior(*ancova_design(), power=0).marginal(np.array([0, 0, 1.0]))
    classical = sm.OLS(*ancova_design()).fit()
    # 1e-10 of the information is the priors'
    assert found.mean == pytest.approx(classical.params[2], abs=1e-8)
    assert found.sd == pytest.approx(limit.std(), rel=1e-8)
    for probability in (0.025, 0.5, 0.975):
        assert found.quantile(probability) == pytest.approx(limit.ppf(probability), abs=1e-8)


def test_a_conjugate_prior_is_data_that_were_seen_before():
    """The posterior of half of the data is the prior of the other half."""
    outcome, design = ancova_design()
    prior = NormalInverseGamma(np.array([0, 0.5, 0.2]), np.diag([1.0, 2, 3]), 2.0, 1.5)
    whole = conjugate_posterior(outcome, design, prior)
    half = conjugate_posterior(outcome[::2], design[::2], prior)
    both = conjugate_posterior(outcome[1::2], design[1::2], half)
    assert both.mean == pytest.approx(whole.mean, abs=1e-12)
    assert both.precision == pytest.approx(whole.precision, abs=1e-12)
    assert (both.shape, both.scale) == pytest.approx((whole.shape, whole.scale), rel=1e-12)


def test_exact_draws_follow_their_marginal():
    posterior = flat_posterior(*ancova_design())
    coefficients, sigma = posterior.draw(np.random.default_rng(1), 4000)
    weights = np.array([0.2, -1, 1.0])
    assert stats.kstest(coefficients @ weights, posterior.marginal(weights).cdf).pvalue > 0.01
    gamma = stats.invgamma(posterior.shape, scale=posterior.scale)
    assert stats.kstest(sigma**2, gamma.cdf).pvalue > 0.01


def test_too_few_values_have_no_posterior():
    outcome, design = ancova_design()
    with pytest.raises(InputError, match="3 values are too few for 3 coefficients"):
        flat_posterior(outcome[:3], design[:3])
    with pytest.raises(InputError, match="participants are too few"):
        flat_matrix_posterior(np.ones((4, 3)), design[:4], 3.0)
    with pytest.raises(InputError, match="miss some"):
        flat_matrix_posterior(np.full((30, 2), np.nan), design, 2.0)


def test_a_visit_of_the_matrix_posterior_is_students_t():
    """A part of an inverse Wishart matrix of T visits has T - 1 degrees of freedom less; here n - p - 1 are left."""
    before, after, arm = trial()
    design = np.column_stack([np.ones(len(arm)), arm])
    posterior = flat_matrix_posterior(np.column_stack([before, after]), design, power=3.0)
    draws = posterior.draw(np.random.default_rng(2), 4000)
    change = draws.contrast(np.array([0, 1.0]), np.array([-1.0, 1.0]))
    classical = sm.OLS(after - before, design).fit()
    df = posterior.df - 1
    scale = np.sqrt(classical.ssr / df * posterior.row_covariance[1, 1])
    assert df == len(arm) - 2 - 1
    assert stats.kstest(change, stats.t(df, classical.params[1], scale).cdf).pvalue > 0.01
    variance = draws.covariance[:, 1, 1]
    squares = sm.OLS(after, design).fit().ssr
    assert stats.kstest(squares / variance, stats.chi2(df).cdf).pvalue > 0.01


@pytest.mark.parametrize("power", [2.0, 3.0])
def test_the_prior_shift_leads_to_the_quadrature_of_group_by_time(power):
    """Half-normal SDs and LKJ from draws under a flat prior, whatever its power; coefficients with wide priors."""
    before, after, arm = trial()
    wide = NormalPrior.model_construct(mean=0.0, sd=1e4)
    priors = NuisancePriors.model_construct(
        intercept_sd=1e4, slope=wide, covariate_sd=1.0, imbalance_sd=1e4, residual_sd=0.6, correlation_eta=4.0
    )
    visits = TwoVisits(before, after, arm[:, None], np.empty((len(arm), 0)))
    expected = exact_group_time(pair_model(visits, wide, priors))

    design = np.column_stack([np.ones(len(arm)), arm])
    posterior = flat_matrix_posterior(np.column_stack([before, after]), design, power)
    draws = posterior.draw(np.random.default_rng(3), 20_000)
    logs = log_prior_shift(draws.covariance, power, 4.0, np.array([0.6, 0.6]))
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    effect = draws.contrast(np.array([0, 1.0]), np.array([-1.0, 1.0]))
    mean = weights @ effect
    sd = np.sqrt(weights @ (effect - mean) ** 2)
    n = 1 / (weights @ weights)
    assert n > 2000
    # five Monte Carlo errors of a mean and of an SD
    assert mean == pytest.approx(expected.mean, abs=5 * expected.sd / np.sqrt(n))
    assert sd == pytest.approx(expected.sd, rel=5 / np.sqrt(2 * n))
    # without the shift the SD is another
    assert abs(effect.std() / expected.sd - 1) > 5 / np.sqrt(2 * n)
