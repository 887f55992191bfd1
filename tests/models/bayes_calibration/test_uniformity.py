"""Ranks, the test of their uniformity, and the band of their distribution function."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from neurotrial.models.bayes_calibration.ecdf_band import difference, simultaneous_band
from neurotrial.models.bayes_calibration.uniformity import bin_edges, rank, uniformity


def test_a_rank_counts_the_draws_below():
    draws = np.array([3.0, 1.0, 2.0, 5.0])
    rng = np.random.default_rng(1)
    assert [rank(truth, draws, rng) for truth in (0.5, 2.5, 6.0)] == [0, 2, 4]


def test_ties_are_broken_evenly():
    rng = np.random.default_rng(1)
    ranks = [rank(1.0, np.ones(4), rng) for _ in range(5000)]
    counts = np.bincount(ranks, minlength=5)
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize(("n", "bins"), [(9, 1), (10, 2), (50, 10), (100, 20), (10_000, 20)])
def test_every_bin_expects_five(n, bins):
    edges = bin_edges(n, 99)
    assert len(edges) == bins + 1
    assert edges[0] == 0
    assert edges[-1] == 100
    if bins > 1:
        assert n * np.diff(edges).min() / 100 >= 5


def test_bins_of_unequal_width_expect_by_their_width():
    """12 ranks in 5 bins of 2 and 3; by hand."""
    ranks = np.repeat(np.arange(12), 3)
    found = uniformity(ranks, 11)
    widths = np.diff(bin_edges(36, 11))
    assert found.counts == tuple(3 * widths)
    assert found.statistic == pytest.approx(0, abs=1e-12)
    assert found.p == 1


def test_the_p_value_is_uniform_where_ranks_are():
    rng = np.random.default_rng(2)
    p = [uniformity(rng.integers(0, 100, 400), 99).p for _ in range(300)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_too_few_simulations_give_no_p():
    found = uniformity(np.arange(8), 99)
    assert np.isnan(found.p)
    assert found.counts == (8,)


def test_the_band_holds_uniform_ranks_at_all_points_together():
    """95 % by its construction; other simulations than those that made it, binomial error of 1,000."""
    edges = bin_edges(200, 99)
    points = tuple(float(at) for at in edges[1:-1] / 100)
    band = simultaneous_band(200, points)
    rng = np.random.default_rng(7)
    inside = []
    for _ in range(1000):
        counts = np.histogram(rng.integers(0, 100, 200), edges)[0]
        own = difference(counts, band.points)
        inside.append(np.all((own >= band.low - 1e-12) & (own <= band.high + 1e-12)))
    # discrete counts make the band hold 95 % or slightly more
    assert 0.93 <= np.mean(inside) <= 0.98
