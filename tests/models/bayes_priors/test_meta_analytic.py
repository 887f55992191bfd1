"""The meta-analytic-predictive prior against integrals over two variables, limits, and figures that R's RBesT publishes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from neurotrial.models.bayes_priors.meta_analytic import approximated, between_trials, map_prior
from neurotrial.models.bayes_priors.mixture_prior import MixturePrior, elir, moment_ess

CROHN_N = np.array([74, 166, 328, 20, 25, 58])
CROHN_MEANS = np.array([-51.0, -49.0, -36.0, -47.0, -90.0, -54.0])
CROHN_SD = 88.0
"""Change of the disease activity index in six placebo arms: data set `crohn` of RBesT, with the figures of its article
https://opensource.nibr.com/RBesT/articles/introduction_normal.html (commit f9309c4 of its pages)."""

MEANS, ERRORS = np.array([0.3, 0.55, 0.1]), np.array([0.1, 0.2, 0.15])


def crohn():
    return {
        "means": CROHN_MEANS,
        "std_errors": CROHN_SD / np.sqrt(CROHN_N),
        "tau_scale": CROHN_SD / 2,
        "mean_sd": CROHN_SD,
    }


def quantiles(weights, values):
    return np.interp((0.025, 0.5, 0.975), np.cumsum(weights) - weights / 2, values)


def test_the_spread_between_trials_is_that_of_rbest():
    """RBesT prints mean 14.30, SD 9.99 and quantiles 1.35, 12.20, 38.40 from 4,000 draws."""
    found = between_trials(**crohn())
    mean = found.weights @ found.tau
    sd = np.sqrt(found.weights @ (found.tau - mean) ** 2)
    # four Monte Carlo errors of 2,000 effective draws: 0.9 of the mean; of quantiles by the density there
    assert (mean, sd) == pytest.approx((14.30, 9.99), abs=0.9)
    assert quantiles(found.weights, found.tau) == pytest.approx([1.35, 12.20, 38.40], abs=2.0)


def test_the_predictive_prior_is_that_of_rbest():
    """RBesT prints mean -50.0, SD 19.3 and quantiles -93.1, -48.6, -13.8 from 4,000 draws."""
    prior = map_prior(**crohn())
    # four Monte Carlo errors of 4,000 draws: 1.2 of the mean; the tails have a tenth of the density of the centre
    assert (prior.mean, prior.sd) == pytest.approx((-50.0, 19.3), abs=1.2)
    assert prior.quantile(0.5) == pytest.approx(-48.6, abs=1.0)
    assert prior.quantile(0.025) == pytest.approx(-93.1, abs=6.0)
    assert prior.quantile(0.975) == pytest.approx(-13.8, abs=6.0)
    # of the three normals that RBesT fits to its draws: 39 and 21
    three = approximated(prior).mixture
    assert elir(three, CROHN_SD) == pytest.approx(39, rel=0.1)
    assert moment_ess(three, CROHN_SD) == pytest.approx(21, rel=0.05)


@pytest.mark.parametrize("mean_sd", [0.5, np.inf])
def test_an_integral_over_the_mean_and_the_spread_agrees(mean_sd):
    """The joint density of the mean of all and tau on a grid, and a new trial's mean by the laws of total expectation."""
    mu = np.linspace(-6, 6, 1201)[:, None]
    tau = np.linspace(0, 3, 2001)
    logs = stats.halfnorm.logpdf(tau, scale=0.4) + np.zeros_like(mu)
    if mean_sd < np.inf:
        logs = logs + stats.norm.logpdf(mu, 0, mean_sd)
    for mean, error in zip(MEANS, ERRORS, strict=True):
        logs = logs + stats.norm.logpdf(mean, mu, np.hypot(error, tau))
    density = np.exp(logs)

    def expect(values):
        over_tau = integrate.simpson(values * density, x=tau, axis=1)
        return integrate.simpson(over_tau, x=mu[:, 0])

    total = expect(1.0)
    mean = expect(mu) / total
    prior = map_prior(MEANS, ERRORS, tau_scale=0.4, mean_sd=mean_sd)
    # simpson on a smooth density; with a flat prior 6 units leave out 1e-8
    assert prior.mean == pytest.approx(mean, abs=1e-6)
    assert prior.sd == pytest.approx(np.sqrt(expect((mu - mean) ** 2 + tau**2) / total), rel=1e-5)
    below = expect(stats.norm.cdf(0.0, mu, np.maximum(tau, 1e-9))) / total
    assert prior.cdf(0.0) == pytest.approx(below, abs=1e-4)


def test_without_spread_between_trials_they_are_pooled():
    prior = map_prior(MEANS, ERRORS, tau_scale=1e-6)
    precision = (ERRORS**-2.0).sum()
    assert prior.mean == pytest.approx((MEANS / ERRORS**2).sum() / precision, abs=1e-9)
    assert prior.sd == pytest.approx(precision**-0.5, rel=1e-9)


def test_one_trial_tells_nothing_of_the_spread_between_trials():
    """A new trial is apart from it by the error of its mean, and twice by the spread: of the one and of the other."""
    found = between_trials(np.array([0.3]), np.array([0.1]), tau_scale=0.5)
    assert found.weights @ found.tau == pytest.approx(0.5 * np.sqrt(2 / np.pi), rel=1e-10)
    prior = map_prior(np.array([0.3]), np.array([0.1]), tau_scale=0.5)
    assert prior.mean == pytest.approx(0.3, abs=1e-14)
    assert prior.sd == pytest.approx(np.sqrt(0.1**2 + 2 * 0.5**2), rel=1e-10)


def test_trials_that_differ_are_worth_less():
    sizes = [
        elir(approximated(map_prior(0.3 + gap * np.array([-1, 0, 1]), ERRORS)).mixture, 0.8)
        for gap in (0, 0.3, 0.9)
    ]
    assert sizes[0] > sizes[1] > sizes[2] > 0


@pytest.mark.parametrize(("shift", "factor"), [(1.5, 1.0), (0.0, 3.0)])
def test_the_unit_does_not_matter(shift, factor):
    prior = map_prior(MEANS, ERRORS, tau_scale=0.5)
    other = map_prior(shift + factor * MEANS, factor * ERRORS, tau_scale=factor * 0.5)
    assert other.mean == pytest.approx(shift + factor * prior.mean, rel=1e-12)
    assert other.sd == pytest.approx(factor * prior.sd, rel=1e-12)


@pytest.mark.parametrize(
    ("means", "errors"),
    [(MEANS, ERRORS), (np.array([0.3]), np.array([0.1])), (np.array([0.2, 0.9]), np.array([0.05, 0.3]))],
)
def test_few_normals_keep_mean_and_sd_and_are_near(means, errors):
    exact = map_prior(means, errors)
    found = [approximated(exact, components) for components in (1, 2, 3)]
    assert [len(each.mixture.weights) for each in found] == [1, 2, 3]
    for each in found:
        # expectation-maximisation keeps both; the integral leaves out 60 SDs and more
        assert each.mixture.mean == pytest.approx(exact.mean, abs=1e-9)
        assert each.mixture.sd == pytest.approx(exact.sd, rel=1e-9)
    divergences = [each.divergence for each in found]
    assert divergences[0] > divergences[1] > divergences[2]
    assert found[2].divergence < 0.005
    assert found[2].cdf_error < 0.01
    values = exact.mean + exact.sd * np.linspace(-6, 6, 241)
    gaps = [abs(exact.cdf(value) - found[2].mixture.cdf(value)) for value in values]
    assert max(gaps) == pytest.approx(found[2].cdf_error, abs=5e-4)


def test_the_divergence_is_an_integral():
    exact = map_prior(MEANS, ERRORS)
    found = approximated(exact, 2)
    values = exact.mean + exact.sd * np.linspace(-40, 40, 80_001)
    density = exact.pdf(values)
    ratio = exact.logpdf(values) - found.mixture.logpdf(values)
    assert found.divergence == pytest.approx(integrate.simpson(density * ratio, x=values), rel=1e-6)


def test_as_few_components_as_do():
    one = approximated(map_prior(MEANS, ERRORS, tau_scale=1e-4))
    assert len(one.mixture.weights) == 1
    two = MixturePrior(np.array([0.4, 0.6]), np.array([-2.0, 2.0]), np.array([0.5, 0.5]))
    found = approximated(two)
    assert len(found.mixture.weights) == 2
    assert sorted(found.mixture.means) == pytest.approx([-2, 2], abs=1e-2)
