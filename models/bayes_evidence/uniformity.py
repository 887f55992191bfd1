"""An exact test that values are independent and uniform on (0, 1), and the band of their order statistics."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special, stats

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["band_probability", "uniform_band", "uniformity_p"]


def uniformity_p(values: FloatArray) -> float:
    """Return the p-value of uniformity on (0, 1).

    Each ordered value is held against its beta distribution; the smallest of these two-sided p-values is the
    statistic, whose distribution under independence is exact. Every part of the range, the tails too, counts alike.

    Parameters
    ----------
    values : ndarray, shape (n,)
        In [0, 1], n at least 1.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    Berk RH, Jones DH. Z Wahrscheinlichkeitstheorie verw Gebiete 1979;47:47-59. https://doi.org/10.1007/BF00533250
    Weine E, McPeek MS, Abney M. J Stat Softw 2023;106(10):1-31. https://doi.org/10.18637/jss.v106.i10
    """
    below, above = _places(len(values))
    ordered = np.sort(values)
    tails = np.minimum(special.betainc(below, above, ordered), special.betaincc(below, above, ordered))
    return 1 - band_probability(*_limits(len(values), 2 * float(tails.min())))


@lru_cache(maxsize=256)
def uniform_band(n: int, probability: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Return limits that all ordered values of a uniform sample keep at once with a probability.

    Parameters
    ----------
    n : int
        Size of the sample, at least 1.
    probability : float
        In (0, 1).

    Returns
    -------
    tuple of ndarray, shape (n,)
        Lower and upper limit of each ordered value; `uniformity_p` is below 1 - probability just if a value is
        outside.
    """

    def excess(log_level: float) -> float:
        return band_probability(*_limits(n, float(np.exp(log_level)))) - probability

    level = np.exp(optimize.brentq(excess, np.log((1 - probability) / n) - 1, np.log(1 - probability)))
    lower, upper = _limits(n, float(level))
    lower.flags.writeable = upper.flags.writeable = False
    return lower, upper


def band_probability(lower: FloatArray, upper: FloatArray) -> float:
    """Return the probability that each ordered value of a uniform sample is between its limits.

    The number of values up to each limit is a Poisson process given its end: an exact recursion over the limits.

    Parameters
    ----------
    lower, upper : ndarray, shape (n,)
        Ascending, in [0, 1].

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    Moscovich A, Nadler B. Stat Probab Lett 2017;123:177-182. https://doi.org/10.1016/j.spl.2016.11.027
    """
    n = len(lower)
    times = np.concatenate([lower, upper])
    order = np.argsort(times, kind="stable")
    gaps = np.diff(times[order], prepend=0.0)
    counts = np.arange(n + 1)
    steps = stats.poisson.pmf(counts, n * gaps[:, None])
    chances = np.eye(1, n + 1)[0]
    for place, step in zip(order, steps, strict=True):
        chances = np.convolve(chances, step)[: n + 1]
        if place < n:  # at most `place` values below the lower limit of the next one
            chances[place + 1 :] = 0
        else:  # at least so many up to the upper limit
            chances[: place - n + 1] = 0
    rest = stats.poisson.pmf(n - counts, n * (1 - times.max()))
    return float(np.clip(chances @ rest / stats.poisson.pmf(n, n), 0, 1))


def _limits(n: int, level: float) -> tuple[FloatArray, FloatArray]:
    """Return where the p-value of each ordered value is a level."""
    below, above = _places(n)
    lower = np.asarray(special.betaincinv(below, above, level / 2))
    return lower, np.asarray(special.betainccinv(below, above, level / 2))


def _places(n: int) -> tuple[FloatArray, FloatArray]:
    """Return the parameters of the beta distribution of each ordered value."""
    places = np.arange(1.0, n + 1)
    return places, places[::-1]
