"""Answers of draws against the distributions that they come from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from neurotrial.errors import InputError
from neurotrial.models.bayes.posterior_answers import posterior_answers, probability

N = 20_000


def quantile_draws(distribution, n=N):
    """Evenly spaced quantiles in random order, one chain: draws without any noise in their distribution."""
    values = distribution.ppf((np.arange(n) + 0.5) / n)
    return np.random.default_rng(3).permutation(values)


def test_a_normal_posterior():
    truth = stats.norm(2.0, 1.5)
    found = posterior_answers(quantile_draws(truth), mcid=3.0, rope=0.5)
    # quantiles half a step from the end lack 1e-4 of the variance
    assert found.mean == pytest.approx(2.0, abs=1e-10)
    assert found.sd == pytest.approx(1.5, rel=2e-4)
    assert found.eti == pytest.approx(truth.interval(0.95), abs=1e-3)
    # the shortest of 1,000 intervals of equal count: flat about its optimum
    assert found.hdi == pytest.approx(truth.interval(0.95), abs=0.1)
    assert found.hdi[1] - found.hdi[0] == pytest.approx(np.diff(truth.interval(0.95))[0], rel=1e-3)
    assert found.benefit.value == pytest.approx(truth.sf(0), abs=1 / N)
    assert found.beyond_mcid.value == pytest.approx(truth.sf(3), abs=1 / N)
    assert found.within_rope.value == pytest.approx(truth.cdf(0.5) - truth.cdf(-0.5), abs=1 / N)


def test_a_skewed_posterior_has_another_shortest_interval():
    """Of the exponential distribution the shortest interval begins at 0."""
    found = posterior_answers(quantile_draws(stats.expon()), level=0.9)
    assert found.eti == pytest.approx(stats.expon.interval(0.9), abs=1e-3)
    assert found.hdi == pytest.approx((0, stats.expon.ppf(0.9)), abs=2e-3)
    assert found.level == 0.9


def test_where_lower_is_better_the_sign_turns():
    draws = quantile_draws(stats.norm(-2.0, 1.5))
    found = posterior_answers(draws, sign=-1, mcid=3.0)
    assert found.mean == pytest.approx(-2, abs=1e-10)
    assert found.benefit.value == pytest.approx(stats.norm.cdf(2 / 1.5), abs=1 / N)
    assert found.beyond_mcid.value == pytest.approx(stats.norm.cdf(-1 / 1.5), abs=1 / N)


def test_what_is_neither_good_nor_bad_has_no_benefit():
    found = posterior_answers(quantile_draws(stats.norm()), sign=0, mcid=1.0)
    assert np.isnan(
        [found.benefit.value, found.benefit.mcse, found.beyond_mcid.value, found.within_rope.value]
    ).all()


def test_a_range_is_open_and_the_parts_sum_to_one():
    draws = np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0]])
    assert probability(draws, above=1).value == 0.5
    assert probability(draws, below=1).value == 0.25
    assert probability(draws, above=0, below=3).value == 0.5
    smooth = quantile_draws(stats.norm())
    parts = [
        probability(smooth, below=-0.3),
        probability(smooth, above=-0.3, below=0.3),
        probability(smooth, above=0.3),
    ]
    assert sum(part.value for part in parts) == pytest.approx(1, abs=1e-12)


def test_the_monte_carlo_error_of_independent_draws():
    chains = np.random.default_rng(5).normal(size=(4, 5000))
    found = probability(chains, above=0.5)
    share = found.value
    # the effective number is itself estimated, to a few per cent
    assert found.mcse == pytest.approx(np.sqrt(share * (1 - share) / chains.size), rel=0.1)
    assert abs(share - stats.norm.sf(0.5)) < 4 * found.mcse
    assert posterior_answers(chains).mcse_mean == pytest.approx(1 / np.sqrt(chains.size), rel=0.1)


def test_correlated_draws_are_worth_less():
    rng, rho = np.random.default_rng(6), 0.9
    chains = np.empty((4, 5000))
    chains[:, 0] = rng.normal(size=4)
    noise = rng.normal(size=chains.shape) * np.sqrt(1 - rho**2)
    for place in range(1, 5000):
        chains[:, place] = rho * chains[:, place - 1] + noise[:, place]
    # the indicator of a sign has autocorrelation 2/pi asin(rho**k), whose sum gives 11.2 draws for one
    lags = 2 / np.pi * np.arcsin(rho ** np.arange(1, 400))
    expected = np.sqrt(0.25 * (1 + 2 * lags.sum()) / chains.size)
    assert probability(chains, above=0.0).mcse == pytest.approx(expected, rel=0.15)


def test_certainty_has_no_monte_carlo_error():
    found = probability(np.random.default_rng(7).uniform(1, 2, (4, 100)), above=0.0)
    assert (found.value, found.mcse) == (1, 0)


@pytest.mark.parametrize(
    ("choices", "key"),
    [
        ({"sign": 2}, "sign"),
        ({"mcid": 0.0}, "mcid"),
        ({"mcid": np.nan}, "mcid"),
        ({"rope": -1.0}, "rope"),
        ({"rope": np.inf}, "rope"),
        ({"level": 95.0}, "conf_level"),
    ],
)
def test_what_cannot_be_asked_is_refused(choices, key):
    with pytest.raises(InputError, match=key):
        posterior_answers(np.arange(10.0), **choices)


@pytest.mark.parametrize(
    "draws", [np.arange(3.0), np.ones((2, 5, 2)), np.array([0, 1, 2, np.nan]), np.empty(0)]
)
def test_draws_that_are_none_are_refused(draws):
    with pytest.raises(InputError, match="draws"):
        posterior_answers(draws)


@pytest.mark.parametrize(
    "ends", [{}, {"above": 1.0, "below": 1.0}, {"above": 2.0, "below": 1.0}, {"above": np.nan}]
)
def test_an_empty_range_is_refused(ends):
    with pytest.raises(InputError, match="above, below"):
        probability(np.arange(10.0), **ends)
