"""The overlap of two samples is that of their normals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from neurotrial.models.bayes.model import Target
from neurotrial.models.bayes_evidence.prior_overlap import densities, prior_overlap


def area_below_both(one, other):
    grid = np.linspace(-600, 600, 1_200_001)
    return integrate.trapezoid(np.minimum(stats.norm.pdf(grid, *one), stats.norm.pdf(grid, *other)), grid)


@pytest.mark.parametrize(
    ("prior", "posterior"),
    [((0, 1), (1, 1)), ((0, 2), (0.3, 0.5)), ((0, 1), (0, 1)), ((0, 100), (3, 1)), ((0, 1), (4, 1))],
)
def test_overlap_of_two_normals(prior, posterior):
    rng = np.random.default_rng(3)
    found = densities(rng.normal(*prior, 4000), rng.normal(*posterior, 4000))
    # two kernel densities of 4000 draws differ by 2 to 3 % where the truth does not
    assert found.overlap == pytest.approx(area_below_both(prior, posterior), abs=0.04)
    for density in (found.prior, found.posterior):
        assert integrate.trapezoid(density, found.grid) == pytest.approx(1, abs=0.01)


def test_equal_spreads_have_a_closed_form():
    assert area_below_both((0, 1), (1, 1)) == pytest.approx(2 * stats.norm.cdf(-0.5), abs=1e-6)


def test_the_density_is_in_the_unit_of_the_number():
    rng = np.random.default_rng(4)
    found = densities(rng.normal(0, 30, 4000), rng.normal(10, 5, 4000))
    near = np.abs(found.grid - 10) < 8
    expected = stats.norm.pdf(found.grid[near], 10, 5)
    assert np.abs(found.posterior[near] - expected).max() < 0.1 * expected.max()


def test_contraction_and_numbers_that_do_not_vary():
    rng = np.random.default_rng(5)
    prior = [Target(rng.normal(0, 2, 4000), "arm", "a"), Target(np.ones(4000), "arm", "b")]
    posterior = [Target(rng.normal(0, 0.5, 4000), "arm", "a"), Target(np.ones(4000), "arm", "b")]
    found = prior_overlap(prior, posterior)
    assert found.contraction[0] == pytest.approx(0.25, rel=0.06)
    assert np.isnan(found.contraction[1])
    assert np.isnan(found.overlap[1])
    assert found.tidy()["target"].tolist() == ["arm: a", "arm: b"]
