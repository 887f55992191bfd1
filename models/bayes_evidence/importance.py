"""Pareto-smoothed importance weights that carry draws of one posterior over to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bayes.generations import array_statistics

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["Importance", "pareto_limit", "smoothed"]

_ROUNDING = 1e-10
"""The range of log ratios up to which they count as equal."""


@dataclass(frozen=True, slots=True)
class Importance:
    """Smoothed weights of the same draws for several other posteriors.

    Attributes
    ----------
    log_weights : ndarray, shape (draws, m)
        Their exponentials sum to 1 for each of the m posteriors; NaN where a log ratio is not finite, or all but a few
        ratios vanish beside the largest.
    k : ndarray, shape (m,)
        Shape of the generalised Pareto distribution of the largest ratios; minus infinity where they are equal,
        infinity where the log weights are NaN.
    efficiency : ndarray, shape (m,)
        Effective draws over draws, of the inverse ratio.
    """

    log_weights: FloatArray
    k: FloatArray
    efficiency: FloatArray


def pareto_limit(n_draws: int) -> float:
    """Return the Pareto k up to which weights of so many draws can be trusted, at most 0.7."""
    return min(1 - 1 / float(np.log10(n_draws)), 0.7)


def smoothed(log_ratios: FloatArray, chains: int) -> Importance:
    """Smooth the largest importance ratios.

    Parameters
    ----------
    log_ratios : ndarray, shape (draws, m)
        Log density of each other posterior less that of the one drawn from; constants may lack. One chain stands
        after the other, each with the same number of draws, 100 or more in all.
    chains : int
        How many.

    Returns
    -------
    Importance

    References
    ----------
    Vehtari A et al. J Mach Learn Res 2024;25(72):1-58. https://doi.org/10.48550/arXiv.1507.02646
    """
    each = [_smoothed_one(column, chains) for column in log_ratios.T]
    weights, ks, efficiencies = zip(*each, strict=True)
    return Importance(np.column_stack(weights), np.array(ks), np.array(efficiencies))


def _smoothed_one(log_ratios: FloatArray, chains: int) -> tuple[FloatArray, float, float]:
    if not np.isfinite(log_ratios).all():
        return np.full_like(log_ratios, np.nan), np.inf, np.nan
    if np.ptp(log_ratios) <= _ROUNDING:
        return np.full_like(log_ratios, -np.log(len(log_ratios))), -np.inf, 1.0
    statistics = array_statistics()
    inverse = np.exp(log_ratios.min() - log_ratios).reshape(chains, -1)
    efficiency = float(statistics.ess(inverse, method="mean", relative=True))
    # where all but a few ratios vanish beside the largest there is no tail to fit: weights of NaN, or none for k
    with np.errstate(divide="ignore", invalid="ignore"):
        log_weights, k = statistics.psislw(-log_ratios, r_eff=efficiency)
    if np.isnan(log_weights).any() or np.isnan(k):
        return np.full_like(log_ratios, np.nan), np.inf, efficiency
    return log_weights, float(k), efficiency
