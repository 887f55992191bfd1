"""Mixtures of normals against scipy, numerical integration and figures that R's RBesT publishes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from neurotrial.models.bayes_priors.mixture_prior import (
    MixturePrior,
    elir,
    moment_ess,
    posterior_mixture,
    robust,
)

CROHN_SD = 88.0
CROHN = MixturePrior(
    np.array([0.50104846, 0.41871594, 0.08023561]),
    np.array([-51.42408665, -47.25917128, -55.07086416]),
    np.array([19.04525409, 7.85193726, 44.57325000]),
)
"""The mixture that RBesT's article "RBesT for a Normal Endpoint" fits to six trials in Crohn's disease, as it stands at
https://opensource.nibr.com/RBesT/articles/introduction_normal.html (commit f9309c4 of its pages)."""

PRIOR = MixturePrior(np.array([0.7, 0.2, 0.1]), np.array([0.3, 0.1, -0.5]), np.array([0.15, 0.4, 2.0]))
WIDE = np.linspace(-25, 25, 400_001)


def one(mean, sd):
    return MixturePrior(np.ones(1), np.array([mean]), np.array([sd]))


def moments(values, density):
    mean = integrate.simpson(values * density, x=values)
    return mean, np.sqrt(integrate.simpson((values - mean) ** 2 * density, x=values))


def test_density_distribution_and_moments():
    values = np.array([[-3.0, -0.2], [0.31, 4.0]])
    expected = sum(
        weight * stats.norm.pdf(values, mean, sd)
        for weight, mean, sd in zip(PRIOR.weights, PRIOR.means, PRIOR.sds, strict=True)
    )
    assert PRIOR.pdf(values) == pytest.approx(expected, rel=1e-13)
    density = PRIOR.pdf(WIDE)
    mean, sd = moments(WIDE, density)
    assert PRIOR.mean == pytest.approx(mean, abs=1e-12)
    assert PRIOR.sd == pytest.approx(sd, rel=1e-12)
    below = WIDE <= 0.2
    assert PRIOR.cdf(0.2) == pytest.approx(integrate.simpson(density[below], x=WIDE[below]), abs=1e-9)
    assert PRIOR.cdf(PRIOR.quantile(0.03)) == pytest.approx(0.03, abs=1e-12)


def test_the_score_is_the_slope_of_the_log_density():
    values, step = np.array([-2.0, 0.0, 0.25, 0.9]), 1e-6
    slope = (PRIOR.logpdf(values + step) - PRIOR.logpdf(values - step)) / (2 * step)
    assert PRIOR.score(values) == pytest.approx(slope, abs=1e-7)


def test_far_tails_and_empty_components_give_numbers():
    assert PRIOR.logpdf(np.array([500.0]))[0] == pytest.approx(
        np.log(0.1) + stats.norm.logpdf(500, -0.5, 2), rel=1e-12
    )
    empty = MixturePrior(np.array([1.0, 0.0]), np.array([0.0, 9.0]), np.ones(2))
    assert empty.pdf(np.array([9.0]))[0] == pytest.approx(stats.norm.pdf(9), rel=1e-12)


def test_draws_come_from_the_mixture():
    drawn = PRIOR.draw(np.random.default_rng(1), 20_000)
    # a distance that one in a million samples exceeds
    assert stats.kstest(drawn, np.vectorize(PRIOR.cdf)).statistic < stats.kstwo(20_000).isf(1e-6)


@pytest.mark.parametrize(("estimate", "se"), [(0.2, 0.1), (-1.5, 0.3), (6.0, 0.5)])
def test_the_update_is_bayes_rule(estimate, se):
    posterior = posterior_mixture(PRIOR, estimate, se)
    density = PRIOR.pdf(WIDE) * stats.norm.pdf(WIDE, estimate, se)
    density /= integrate.simpson(density, x=WIDE)
    # of densities of up to 5, on a grid of 1e-4
    assert posterior.pdf(WIDE[::1000]) == pytest.approx(density[::1000], abs=1e-9)
    assert posterior.weights.sum() == pytest.approx(1, abs=1e-15)


def test_the_update_of_one_normal_is_the_precision_weighted_mean():
    posterior = posterior_mixture(one(1.0, 0.5), 2.0, 0.5)
    assert (posterior.mean, posterior.sd) == pytest.approx((1.5, np.sqrt(0.125)), rel=1e-14)


def test_the_update_does_not_depend_on_the_order_of_the_data():
    both = posterior_mixture(
        PRIOR, (0.1 / 0.04 + 0.5 / 0.09) / (1 / 0.04 + 1 / 0.09), (1 / 0.04 + 1 / 0.09) ** -0.5
    )
    stepwise = posterior_mixture(posterior_mixture(PRIOR, 0.1, 0.2), 0.5, 0.3)
    assert stepwise.weights == pytest.approx(both.weights, rel=1e-12)
    assert stepwise.means == pytest.approx(both.means, rel=1e-12)
    assert stepwise.sds == pytest.approx(both.sds, rel=1e-12)


def test_with_a_conflict_the_robust_weight_falls_to_nothing():
    """Schmidli 2014: the further the data are from published ones, the less these count."""
    prior = robust(one(0.4, 0.1), 0.8, vague_mean=0, vague_sd=2)
    informative = [
        posterior_mixture(prior, estimate, 0.15).weights[0] for estimate in (0.4, 0.8, 1.2, 2.0, 4.0)
    ]
    assert np.all(np.diff(informative) < 0)
    assert informative[0] > 0.9
    assert informative[2] < 0.5
    assert informative[-1] < 1e-12
    # what is left then is the posterior without published data
    far, alone = posterior_mixture(prior, 4.0, 0.15), posterior_mixture(one(0, 2), 4.0, 0.15)
    assert (far.mean, far.sd) == pytest.approx((alone.mean, alone.sd), rel=1e-9)


def test_the_weight_of_a_robust_prior():
    prior = robust(CROHN, 0.8, vague_mean=-50, vague_sd=CROHN_SD)
    assert prior.weights == pytest.approx([0.40083877, 0.33497275, 0.06418848, 0.2], abs=1e-8)
    assert robust(CROHN, 1, vague_mean=0, vague_sd=2) is CROHN


def test_effective_sample_sizes_are_those_that_rbest_prints():
    """39 and 21 of the mixture, 28 with 20 % of one participant's information: rounded as printed in the article."""
    assert round(elir(CROHN, CROHN_SD)) == 39
    assert round(moment_ess(CROHN, CROHN_SD)) == 21
    assert round(elir(robust(CROHN, 0.8, vague_mean=-50, vague_sd=CROHN_SD), CROHN_SD)) == 28


def test_a_normal_prior_is_worth_the_ratio_of_variances():
    assert elir(one(0.7, 0.2), 1.1) == pytest.approx((1.1 / 0.2) ** 2, rel=1e-12)
    assert moment_ess(one(0.7, 0.2), 1.1) == pytest.approx((1.1 / 0.2) ** 2, rel=1e-12)


@pytest.mark.parametrize("prior", [PRIOR, CROHN])
def test_the_information_ratio_by_the_second_derivative(prior):
    """The expected negative second derivative of the log density, differences on a grid, is the same number."""
    values = prior.mean + prior.sd * np.linspace(-20, 20, 200_001)
    step = values[1] - values[0]
    logs = prior.logpdf(values)
    second = (logs[2:] - 2 * logs[1:-1] + logs[:-2]) / step**2
    expected = -integrate.simpson(second * prior.pdf(values[1:-1]), x=values[1:-1])
    # of second differences: step squared, and rounding over step squared
    assert elir(prior, 1.0) == pytest.approx(expected, rel=1e-5)


def test_participants_add_themselves():
    """Predictive consistency: the expected effective size after m participants is the prior's plus m."""
    sd, m = 1.0, 30
    se = sd / np.sqrt(m)
    seen = MixturePrior(PRIOR.weights, PRIOR.means, np.hypot(PRIOR.sds, se))
    estimates = np.linspace(-12, 12, 4801)
    sizes = np.array([elir(posterior_mixture(PRIOR, value, se), sd) for value in estimates[::8]])
    expected = integrate.simpson(sizes * seen.pdf(estimates[::8]), x=estimates[::8])
    # the step of 0.04 is a fifth of the narrowest standard deviation
    assert expected == pytest.approx(elir(PRIOR, sd) + m, rel=1e-4)
