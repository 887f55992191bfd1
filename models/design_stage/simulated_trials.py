"""Simulated trials of two arms, and the estimates of each analysis in all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.permutation import Seed
    from neurotrial.models.student import FloatArray

__all__ = ["ANALYSES", "Tested", "Trials", "simulate_trials"]


@dataclass(frozen=True, slots=True)
class Trials:
    """Simulated trials without an effect.

    Attributes
    ----------
    before, after : array of float, shape (n_trials, n)
        Standardised values at both visits; 0 where `seen` is false.
    seen : array of bool, shape (n_trials, n)
        Who has a follow-up value.
    treated : array of bool, shape (n,)
        Who is in the treated arm.
    """

    before: FloatArray
    after: FloatArray
    seen: np.ndarray
    treated: np.ndarray


@dataclass(frozen=True, slots=True)
class Tested:
    """What an analysis gives in each trial; an effect shifts the estimate and leaves the rest.

    Attributes
    ----------
    estimate, std_error, df : array of float, shape (n_trials,)
        NaN where the trial leaves too few participants.
    """

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray


def simulate_trials(
    n_treated: int,
    n_reference: int,
    *,
    correlation: float,
    dropout: tuple[float, float],
    sd_ratio: float,
    n_trials: int,
    seed: Seed,
) -> Trials:
    """Simulate trials of normal values in units of the SD.

    Parameters
    ----------
    n_treated, n_reference : int
        Participants of each arm.
    correlation : float
        Of the visits, in (-1, 1).
    dropout : tuple of float
        Chance of a missing follow-up value in the treated and in the reference arm, independent of the values.
    sd_ratio : float
        SD at follow-up in the treated arm over that in the reference arm.
    n_trials : int
        Trials.
    seed : int or SeedSequence
        Of the draws.
    """
    rng = np.random.default_rng(seed)
    n = n_treated + n_reference
    treated = np.arange(n) < n_treated
    before = rng.standard_normal((n_trials, n))
    noise = rng.standard_normal((n_trials, n))
    spread = np.where(treated, sd_ratio, 1.0)
    after = spread * (correlation * before + np.sqrt(1 - correlation**2) * noise)
    seen = rng.random((n_trials, n)) >= np.where(treated, dropout[0], dropout[1])
    return Trials(np.where(seen, before, 0.0), np.where(seen, after, 0.0), seen, treated)


def _welch(trials: Trials, values: FloatArray) -> Tested:
    parts = []
    for own in (trials.treated, ~trials.treated):
        kept, value = trials.seen[:, own], values[:, own]
        n = kept.sum(axis=1)
        mean = value.sum(axis=1) / n
        variance = (((value - mean[:, None]) * kept) ** 2).sum(axis=1) / (n - 1)
        parts.append((mean, variance / n, n))
    (one, first, n1), (two, second, n0) = parts
    df = (first + second) ** 2 / (first**2 / (n1 - 1) + second**2 / (n0 - 1))
    return Tested(one - two, np.sqrt(first + second), df)


@dataclass(frozen=True, slots=True)
class _Adjusted:
    """ANCOVA of every trial: effect, its weights on the outcomes, residuals and leverages, shape (n_trials, n)."""

    effect: FloatArray
    weights: FloatArray
    residual: FloatArray
    leverage: FloatArray
    df: FloatArray


def _ancova(trials: Trials) -> _Adjusted:
    seen = trials.seen.astype("float64")
    arms = (trials.treated, ~trials.treated)
    counts = [seen[:, own].sum(axis=1)[:, None] for own in arms]
    x, y = trials.before.copy(), trials.after.copy()
    means = []
    for values in (x, y):
        both = [values[:, own].sum(axis=1)[:, None] / n for own, n in zip(arms, counts, strict=True)]
        for own, mean in zip(arms, both, strict=True):
            values[:, own] = (values[:, own] - mean) * seen[:, own]
        means.append(both[0][:, 0] - both[1][:, 0])
    sxx = (x**2).sum(axis=1)
    slope = (x * y).sum(axis=1) / sxx
    size = np.where(trials.treated, counts[0], counts[1])
    sign = np.where(trials.treated, 1.0, -1.0)
    return _Adjusted(
        effect=means[1] - slope * means[0],
        weights=(sign / size - (means[0] / sxx)[:, None] * x) * seen,
        residual=y - slope[:, None] * x,
        leverage=(1 / size + x**2 / sxx[:, None]) * seen,
        df=seen.sum(axis=1) - 3,
    )


def _ols(trials: Trials) -> Tested:
    fit = _ancova(trials)
    variance = (fit.residual**2).sum(axis=1) / fit.df * (fit.weights**2).sum(axis=1)
    return Tested(fit.effect, np.sqrt(variance), fit.df)


def _hc3(trials: Trials) -> Tested:
    fit = _ancova(trials)
    variance = ((fit.weights * fit.residual / (1 - fit.leverage)) ** 2).sum(axis=1)
    return Tested(fit.effect, np.sqrt(variance), fit.df)


ANALYSES: Mapping[str, Callable[[Trials], Tested]] = {
    "ancova_ols": _ols,
    "ancova_hc3": _hc3,
    "change_welch": lambda trials: _welch(trials, trials.after - trials.before),
    "follow_up_welch": lambda trials: _welch(trials, trials.after),
}
"""The analyses whose power can be simulated; ``clda`` has the power of ``ancova_ols`` where only follow-up is missing."""
