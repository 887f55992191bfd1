"""Likelihoods of bounded scores against scipy, their sums and integrals, and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special, stats

from neurotrial.models.bayes.compiled_functions import digamma, softplus
from neurotrial.models.bayes_bounded import beta_binomial_likelihood as binomial
from neurotrial.models.bayes_bounded import ordered_beta_likelihood as ordered
from neurotrial.models.bayes_bounded import recovery_likelihood as recovery

SIZE = np.array([66.0])
POINTS = np.array([0, 1, 7, 33, 60, 65, 66], dtype=float)
ETA = np.array([-3.0, -1.2, 0.0, 0.4, 2.5, 5.0, 0.7])
START = np.array([0, 0.01, 0.2, 0.5, 0.6, 0.97, 1.0])


def scipy_binomial(points, mean, icc):
    phi = 1 / icc - 1
    return stats.betabinom.logpmf(points, 66, mean * phi, (1 - mean) * phi)


@pytest.mark.parametrize("icc", [0.003, 0.1, 0.6])
def test_beta_binomial_is_that_of_scipy(icc):
    found = binomial.log_likelihoods(ETA[None], np.array([[icc]]), POINTS, SIZE)[0]
    # scipy subtracts logarithms of gamma functions, near 1000 where there is little overdispersion
    assert found == pytest.approx(scipy_binomial(POINTS, special.expit(ETA), icc), rel=1e-11, abs=1e-11)


def test_beta_binomial_without_overdispersion_is_binomial():
    found = binomial.log_likelihoods(ETA[None], np.array([[1e-14]]), POINTS, SIZE)[0]
    # the overdispersion changes the variance by 66 times itself
    assert found == pytest.approx(stats.binom.logpmf(POINTS, 66, special.expit(ETA)), rel=1e-10, abs=1e-12)


def test_beta_binomial_sums_to_one():
    points = np.arange(67.0)
    logs = binomial.log_likelihoods(np.full((1, 67), -1.3), np.array([[0.2]]), points, SIZE)
    assert np.exp(logs).sum() == pytest.approx(1, abs=1e-13)


def test_mixture_is_the_weighted_sum_of_its_classes():
    icc, many, ratio = shares = np.array([0.08, 0.7, 0.25])
    found = recovery.log_likelihoods(ETA[None], shares[None], POINTS, START, 1 - START, SIZE)[0]
    classes = [
        scipy_binomial(POINTS, (66 * (START + r * (1 - START)) + 0.5) / 67, icc) for r in (many * ratio, many)
    ]
    weights = [special.log_expit(-ETA), special.log_expit(ETA)]
    expected = special.logsumexp(np.add(classes, weights), axis=0)
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-11)


def ordered_beta(value, eta, shares):
    """Written out in probabilities, on the scale from 0 to 66."""
    icc, floor, ceiling = shares
    low, high = special.logit(floor), -special.logit((1 - floor) * ceiling)
    at_floor, at_ceiling = special.expit(low - eta), special.expit(eta - high)
    phi, mean = 1 / icc - 1, special.expit(eta)
    between = stats.beta(mean * phi, (1 - mean) * phi, scale=66).pdf(value) * (1 - at_floor - at_ceiling)
    return np.where(value == 0, at_floor, np.where(value == 66, at_ceiling, between))


def test_ordered_beta_is_that_written_out():
    shares = np.array([0.08, 0.03, 0.06])
    found = ordered.log_likelihoods(ETA[None], shares[None], POINTS / 66, SIZE)[0]
    assert found == pytest.approx(np.log(ordered_beta(POINTS, ETA, shares)), rel=1e-11)


@pytest.mark.parametrize("eta", [-2.0, 0.3, 1.5])
def test_ordered_beta_integrates_to_one(eta):
    shares = np.array([[0.08, 0.03, 0.06]])

    def density(value):
        return np.exp(ordered.log_likelihoods(np.array([[eta]]), shares, np.array([value / 66]), SIZE)[0, 0])

    between = integrate.quad(density, 0, 66, epsabs=1e-11, epsrel=1e-11, limit=200)[0]
    assert density(0.0) + between + density(66.0) == pytest.approx(1, abs=1e-9)


def test_ordered_beta_with_cutpoints_that_nearly_touch_leaves_nothing_between():
    shares = np.array([[0.1, 0.4, 1 - 1e-13]])
    found = ordered.log_likelihoods(np.zeros((1, 2)), shares, np.array([0.0, 1.0]), SIZE)[0]
    assert np.exp(found) == pytest.approx([0.4, 0.6], rel=1e-10)


KERNELS = [
    pytest.param(binomial, [0.1], (POINTS, SIZE), id="beta-binomial"),
    pytest.param(ordered, [0.1, 0.04, 0.09], (POINTS / 66, SIZE), id="ordered beta"),
    pytest.param(recovery, [0.1, 0.7, 0.3], (POINTS, START, 1 - START, SIZE), id="recovery"),
]


@pytest.mark.parametrize(("kernel", "shares", "values"), KERNELS)
def test_value_is_the_sum_and_gradient_its_derivative(kernel, shares, values):
    rng = np.random.default_rng(2)
    z, design, shares = rng.normal(size=3), rng.normal(size=(7, 3)), np.array(shares)
    found = kernel.value_and_gradient(z, shares, ETA, design, *values)
    each = kernel.log_likelihoods((ETA + design @ z)[None], shares[None], *values)
    assert found[0] == pytest.approx(each.sum(), rel=1e-12)

    def value(point):
        return kernel.value_and_gradient(point[:3], point[3:], ETA, design, *values)[0]

    here, step = np.append(z, shares), 1e-3
    units = step * np.eye(len(here))
    # central differences of order 4: an error of step^4, apart from rounding
    slopes = [
        8 * (value(here + u) - value(here - u)) - value(here + 2 * u) + value(here - 2 * u) for u in units
    ]
    assert np.concatenate(found[1:]) == pytest.approx(np.array(slopes) / (12 * step), rel=1e-5, abs=1e-6)


def test_special_functions():
    x = np.array([1e-8, 0.3, 1.0, 4.2, 9.0, 1e5])
    assert [digamma(v) for v in x] == pytest.approx(special.digamma(x), rel=1e-13)
    assert [softplus(v) for v in (-800.0, 0.3, 800.0)] == pytest.approx([0, np.logaddexp(0, 0.3), 800])
