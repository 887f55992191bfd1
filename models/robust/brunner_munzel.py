"""Brunner and Munzel's test: which of two people, one of each arm, has the larger value, without equal spreads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["Superiority", "superiority"]


@dataclass(frozen=True, slots=True)
class Superiority:
    """The probability that a treated value exceeds a reference value, ties counting a half.

    Attributes
    ----------
    estimate, std_error : float
        The probability and its standard error; the latter is 0 where the arms do not overlap.
    df, statistic, p_value : float
        Brunner and Munzel's t against 1/2; NaN where the arms do not overlap.
    conf_low, conf_high : float
        From the log odds of the probability, so that they stay between 0 and 1.
    """

    estimate: float
    std_error: float
    df: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float


def superiority(treated: FloatArray, reference: FloatArray, conf_level: float = 0.95) -> Superiority:
    """Estimate and test the probability of superiority.

    Parameters
    ----------
    treated, reference : array of float, shapes (m,) and (n,)
        Finite values, two or more each.
    conf_level : float
        In (0, 1).

    References
    ----------
    Brunner E, Munzel U. Biom J 2000;42:17-25.
    https://doi.org/10.1002/(SICI)1521-4036(200001)42:1%3C17::AID-BIMJ17%3E3.0.CO;2-U
    """
    from scipy import stats

    m, n = treated.size, reference.size
    ranks = stats.rankdata(np.concatenate([treated, reference]))
    placements = (
        (ranks[:m] - stats.rankdata(treated)) / n,
        1 - (ranks[m:] - stats.rankdata(reference)) / m,
    )
    p = float(placements[0].mean())
    parts = np.array([own.var(ddof=1) / own.size for own in placements])
    variance = float(parts.sum())
    if not variance > 0:
        return Superiority(p, 0.0, np.nan, np.nan, np.nan, np.nan, np.nan)
    df = variance**2 / float((parts**2 / np.array([m - 1, n - 1])).sum())
    error = float(np.sqrt(variance))
    statistic = (p - 0.5) / error
    half = float(stats.t.isf((1 - conf_level) / 2, df)) * error / (p * (1 - p))
    low, high = (float(1 / (1 + np.exp(-(np.log(p / (1 - p)) + sign * half)))) for sign in (-1, 1))
    return Superiority(p, error, df, statistic, 2 * float(stats.t.sf(abs(statistic), df)), low, high)
