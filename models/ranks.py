"""Mann-Whitney test: exact with ties, Hodges-Lehmann shift with its interval, probability of superiority."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["RankTest", "asymptotic_p", "doubled_midranks", "rank_sum_distribution", "rank_test"]

RankMethod = Literal["exact_conditional", "asymptotic_cc"]
IntArray = npt.NDArray[np.int64]

EXACT_UP_TO = 100
"""Participants up to whom the exact distribution is the default."""

_FUZZ = 1e-12
_TIE = 1e-12


@dataclass(frozen=True, slots=True)
class RankTest:
    """A Mann-Whitney test.

    Attributes
    ----------
    u : float
        Pairs in which the treated value is the larger, ties counting a half; between 0 and n_treated n_reference.
    p_value : float
        Two-sided p of `method`.
    p_asymptotic : float
        Two-sided p of ``asymptotic_cc``, whichever the method is.
    method : {"exact_conditional", "asymptotic_cc"}
        Permutation distribution of the mid-ranks given the ties, or normal approximation with tie-corrected variance
        and continuity correction.
    hodges_lehmann : float
        Median of the pairwise differences, treated minus reference.
    conf_low, conf_high : float
        Interval of the shift; NaN where no interval of that level exists for so few participants.
    interval_kind : {"exact_rank", "asymptotic_rank", "none"}
        Whether the order of its limits comes from the exact distribution of U without ties or from its normal
        approximation.
    probability_superiority : float
        Chance that a treated value exceeds a reference value, ties counting a half.
    ties : bool
        Whether any two values are equal.
    """

    u: float
    p_value: float
    p_asymptotic: float
    method: RankMethod
    hodges_lehmann: float
    conf_low: float
    conf_high: float
    interval_kind: Literal["exact_rank", "asymptotic_rank", "none"]
    probability_superiority: float
    ties: bool


def rank_test(
    treated: FloatArray,
    reference: FloatArray,
    *,
    method: Literal["auto", "exact_conditional", "asymptotic_cc"] = "auto",
    conf_level: float = 0.95,
) -> RankTest:
    """Compare two samples by the Mann-Whitney test.

    Parameters
    ----------
    treated, reference : array of float, shapes (n_treated,) and (n_reference,)
        Finite values, one or more each.
    method : {"auto", "exact_conditional", "asymptotic_cc"}
        How the p-value is found; ``auto`` is exact for up to 100 participants in all.
    conf_level : float
        In (0, 1).

    Returns
    -------
    RankTest
        Two-sided. The interval runs between two ordered pairwise differences and includes both. Their order is that
        of samples without ties [2]_; with ties the interval then covers a shift at least as often as it says (ties
        are the limit of ever smaller differences, and the closed interval keeps a limit), so that it can be wider
        than the p-value suggests.

    References
    ----------
    .. [1] Hodges JL, Lehmann EL. Ann Math Stat 1963;34:598-611. https://doi.org/10.1214/aoms/1177704172
    .. [2] Lehmann EL. Ann Math Stat 1963;34:1507-1512. https://doi.org/10.1214/aoms/1177703882

    Examples
    --------
    >>> import numpy as np
    >>> result = rank_test(np.array([3.0, 4, 5]), np.array([1.0, 2, 3]))
    >>> result.u, round(result.p_value, 3), result.hodges_lehmann
    (8.5, 0.2, 2.0)
    """
    m, n = treated.size, reference.size
    exact = m + n <= EXACT_UP_TO if method == "auto" else method == "exact_conditional"
    doubled = doubled_midranks(np.concatenate([treated, reference]))
    u = float(doubled[:m].sum() / 2 - m * (m + 1) / 2)
    p_asymptotic = asymptotic_p(doubled, m)
    p_value = _exact_p(doubled, m) if exact else p_asymptotic
    differences = np.sort(np.subtract.outer(treated, reference), axis=None)
    order = _exact_order(m, n, conf_level) if exact else _asymptotic_order(m, n, conf_level)
    low, high = (differences[order - 1], differences[-order]) if order else (np.nan, np.nan)
    kind: Literal["exact_rank", "asymptotic_rank"] = "exact_rank" if exact else "asymptotic_rank"
    return RankTest(
        u=u,
        p_value=p_value,
        p_asymptotic=p_asymptotic,
        method="exact_conditional" if exact else "asymptotic_cc",
        hodges_lehmann=float(np.median(differences)),
        conf_low=float(low),
        conf_high=float(high),
        interval_kind=kind if order else "none",
        probability_superiority=u / (m * n),
        ties=bool(np.unique(doubled).size < m + n),
    )


def asymptotic_p(doubled: IntArray, m: int, *, continuity: bool = True) -> float:
    """Return the two-sided p-value of the normal approximation with tie-corrected variance.

    Parameters
    ----------
    doubled : array of int, shape (n_participants,)
        Twice the mid-ranks, the treated first.
    m : int
        Number of treated.
    continuity : bool
        Whether the distance from the mean is shortened by a half.
    """
    from scipy import stats

    total = doubled.size
    excess = abs(doubled[:m].sum() - m * (total + 1)) / 2 - 0.5 * continuity
    repeats = np.unique(doubled, return_counts=True)[1].astype("float64")
    ties = (repeats**3 - repeats).sum() / (total * (total - 1))
    variance = m * (total - m) / 12 * (total + 1 - ties)
    return 1.0 if variance <= 0 else min(1.0, 2 * float(stats.norm.sf(excess / np.sqrt(variance))))


def rank_sum_distribution(scores: IntArray, m: int) -> FloatArray:
    """Return the permutation distribution of the sum of m scores drawn without replacement.

    Parameters
    ----------
    scores : array of int, shape (n,)
        Non-negative whole numbers, e.g. twice the mid-ranks, so that ties are counted without rounding.
    m : int
        How many are drawn, 1 to n.

    Returns
    -------
    array of float, shape (sum(scores) + 1,)
        Probability of each sum. Only positive numbers are added, so that every probability is accurate to about n
        roundings.
    """
    top = int(scores.sum())
    ways = np.zeros((m + 1, top + 1))
    ways[0, 0] = 1.0
    for count, score in enumerate(scores, start=1):
        most = min(m, count)
        for taken in range(most, 0, -1):
            ways[taken, score:] += ways[taken - 1, : top + 1 - score]
    return np.asarray(ways[m] / ways[m].sum())


def doubled_midranks(values: FloatArray) -> IntArray:
    """Return twice the mid-ranks; values closer than 1e-12 of the largest are ties, whatever the unit's rounding."""
    from scipy import stats

    order = np.argsort(values, kind="stable")
    steps = np.diff(values[order]) > _TIE * np.abs(values).max()
    groups = np.empty(values.size, dtype=np.int64)
    groups[order] = np.concatenate([[0], np.cumsum(steps)])
    return np.asarray(np.rint(2 * stats.rankdata(groups)), dtype=np.int64)


def _exact_p(doubled: IntArray, m: int) -> float:
    """Return the probability of a rank sum at least as far from its mean as the observed one."""
    probabilities = rank_sum_distribution(doubled, m)
    centre = m * (doubled.size + 1)
    distance = np.abs(np.arange(probabilities.size) - centre)
    return min(1.0, float(probabilities[distance >= abs(int(doubled[:m].sum()) - centre)].sum()))


def _exact_order(m: int, n: int, conf_level: float) -> int:
    """Return the largest k for which the k-th smallest and k-th largest difference keep the level; 0 if none does."""
    ranks = np.arange(1, m + n + 1)
    lower_tail = rank_sum_distribution(ranks, m)[m * (m + 1) // 2 :].cumsum()
    return int((lower_tail <= (1 - conf_level) / 2 * (1 + _FUZZ)).sum())


def _asymptotic_order(m: int, n: int, conf_level: float) -> int:
    from scipy import stats

    z = stats.norm.isf((1 - conf_level) / 2)
    return max(0, int(np.floor(m * n / 2 + 0.5 - z * np.sqrt(m * n * (m + n + 1) / 12))))
