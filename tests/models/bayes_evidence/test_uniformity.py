"""The exact test of uniformity agrees with the Kolmogorov distribution, with small samples, and with its own band."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from neurotrial.models.bayes_evidence.uniformity import band_probability, uniform_band, uniformity_p


@pytest.mark.parametrize("n", [1, 2, 5, 44, 140])
@pytest.mark.parametrize("distance", [0.08, 0.2, 0.45])
def test_a_band_of_constant_width_is_that_of_kolmogorov(n, distance):
    # above 140 values scipy gives an approximation
    steps = np.arange(n + 1) / n
    lower = np.clip(steps[1:] - distance, 0, 1)
    upper = np.clip(steps[:-1] + distance, 0, 1)
    assert band_probability(lower, upper) == pytest.approx(stats.kstwo.cdf(distance, n), abs=1e-10)


def test_one_value_has_the_two_sided_p():
    assert uniformity_p(np.array([0.03])) == pytest.approx(0.06)
    assert uniformity_p(np.array([0.9])) == pytest.approx(0.2)


def test_p_values_of_uniform_samples_are_uniform():
    samples = np.random.default_rng(1).uniform(size=(400, 12))
    found = [uniformity_p(sample) for sample in samples]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_the_band_holds_a_sample_just_if_the_test_does():
    lower, upper = uniform_band(20)
    assert band_probability(lower, upper) == pytest.approx(0.95, abs=1e-9)
    samples = np.sort(np.random.default_rng(2).uniform(size=(300, 20)), axis=1)
    outside = ((samples < lower) | (samples > upper)).any(axis=1)
    assert outside.tolist() == [uniformity_p(sample) < 0.05 for sample in samples]


def test_clusters_shifts_and_tails_are_found():
    even = (np.arange(44) + 0.5) / 44
    assert uniformity_p(even) > 0.99
    assert uniformity_p(0.3 + 0.4 * even) < 1e-5
    assert uniformity_p(even**2) < 0.01
    assert uniformity_p(np.r_[even[1:], 1e-6]) < 0.01
    assert uniformity_p(np.zeros(3)) == 0
