"""Ranks of true values among posterior draws, and the test of their uniformity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["FEWEST_EXPECTED", "MOST_BINS", "IntArray", "Uniformity", "bin_edges", "rank", "uniformity"]

IntArray = np.ndarray[Any, np.dtype[np.int64]]

FEWEST_EXPECTED = 5.0
"""Simulations that every bin must have if ranks are uniform: below, the statistic has no chi-square distribution."""

MOST_BINS = 20
"""More bins would only see finer deviations, and less of the broad ones that wrong posteriors have."""


@dataclass(frozen=True, slots=True)
class Uniformity:
    """Pearson's test that ranks are uniform.

    Attributes
    ----------
    statistic : float
        Chi-square; NaN where simulations are too few for two bins.
    df : int
        Bins less 1.
    p : float
        In [0, 1]; NaN likewise.
    counts : tuple of int
        Simulations in each bin, lowest ranks first.
    """

    statistic: float
    df: int
    p: float
    counts: tuple[int, ...]


def rank(truth: float, draws: FloatArray, rng: np.random.Generator) -> int:
    """Return how many draws lie below the truth; equal ones count as below or not by chance, all numbers alike.

    Parameters
    ----------
    truth : float
        The true value.
    draws : ndarray, shape (n_draws,)
        Nearly independent draws from the posterior.
    rng : Generator
        Breaks ties.

    Returns
    -------
    int
        From 0 to n_draws, uniform where the posterior is right.

    References
    ----------
    Talts S et al. 2018. https://doi.org/10.48550/arXiv.1804.06788
    """
    ties = int((draws == truth).sum())
    return int((draws < truth).sum()) + int(rng.integers(ties + 1))


def bin_edges(n_simulations: int, n_draws: int) -> IntArray:
    """Return the first rank of each bin and, at the end, the number of ranks.

    Parameters
    ----------
    n_simulations, n_draws : int
        Ranks, and draws among which each was found.

    Returns
    -------
    ndarray of int, shape (bins + 1,)
        As many bins, of widths that differ by 1 at most, as each expects `FEWEST_EXPECTED` simulations or more, up to
        `MOST_BINS`.
    """
    ranks = n_draws + 1
    fitting = (
        bins
        for bins in range(min(MOST_BINS, ranks), 1, -1)
        if n_simulations * (ranks // bins) / ranks >= FEWEST_EXPECTED
    )
    bins = next(fitting, 1)
    return np.asarray(np.arange(bins + 1) * ranks // bins)


def uniformity(ranks: IntArray, n_draws: int) -> Uniformity:
    """Test that ranks are uniform on 0 to `n_draws`.

    Parameters
    ----------
    ranks : ndarray of int, shape (n_simulations,)
        From 0 to `n_draws`.
    n_draws : int
        Draws among which each was found.

    Returns
    -------
    Uniformity
    """
    edges = bin_edges(len(ranks), n_draws)
    counts = np.histogram(ranks, edges)[0]
    if len(counts) == 1:
        return Uniformity(np.nan, 0, np.nan, (len(ranks),))
    expected = len(ranks) * np.diff(edges) / (n_draws + 1)
    statistic, p = stats.chisquare(counts, expected)
    return Uniformity(float(statistic), len(counts) - 1, float(p), tuple(int(count) for count in counts))
