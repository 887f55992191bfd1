"""Fugl-Meyer scores of the upper limb after stroke: a mixture of exponential recoveries with floor and ceiling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray

__all__ = ["CEILING", "RecoveryScores", "baseline_sd", "mean_difference", "recovery_scores"]

CEILING = 66
"""Points."""

_WEIGHT = np.array([0.28, 0.13, 0.14, 0.19, 0.25])
_SHARE = np.array([0.088, 0.466, 0.859, 0.901, 0.938])
_WEEKS = np.array([5.1, 10.5, 9.1, 2.3, 1.0])
_LOGIT_MEAN = np.array([-3.14, -2.24, -2.16, -1.25, -0.14])
_LOGIT_SD = np.array([0.64, 2.05, 2.99, 2.78, 2.38])
_NOISE = 3.80

_FIRST, _LATER = 20.2 / 7, (20.2 + 90) / 7
"""Weeks after the stroke of both visits."""

_BELOW = 33
"""Only who scores less at baseline is randomised."""

_POPULATION, _SEED = 200_000, 1


@dataclass(frozen=True, slots=True)
class RecoveryScores:
    """Scores of participants without treatment.

    Attributes
    ----------
    baseline : ndarray, shape (n,)
        Whole points from 0 to 32.
    later : ndarray, shape (n,)
        What would be scored at follow-up if there were neither floor nor ceiling nor whole points.
    """

    baseline: FloatArray
    later: FloatArray


def recovery_scores(n: int, rng: np.random.Generator) -> RecoveryScores:
    """Draw participants from the mixture, of whom those who score below 33 at 20 days are randomised.

    A participant starts at alpha and regains the share r of what is lost at the pace tau: alpha + r (66 - alpha)
    (1 - exp(-t / tau)), with a normal error of 3.8 points at each visit. The numbers are the posterior means of the
    five groups of the published model.

    Parameters
    ----------
    n : int
        Participants.
    rng : Generator
        The random stream.

    Returns
    -------
    RecoveryScores

    References
    ----------
    van der Vliet R et al. Ann Neurol 2020;87:383-393. https://doi.org/10.1002/ana.25679
    """
    baseline, later = np.empty(0), np.empty(0)
    while len(baseline) < n:
        first, second = _everybody(2 * n, rng)
        eligible = first < _BELOW
        baseline, later = np.append(baseline, first[eligible]), np.append(later, second[eligible])
    return RecoveryScores(baseline[:n], later[:n])


def bounded(later: FloatArray) -> FloatArray:
    """Return whole points from 0 to 66."""
    return np.asarray(np.clip(np.round(later), 0, CEILING))


def baseline_sd() -> float:
    """Return the SD of baseline scores, in points."""
    return float(_population().baseline.std())


def mean_difference(points: FloatArray) -> FloatArray:
    """Return what points that are added before floor and ceiling add to the mean score.

    Parameters
    ----------
    points : ndarray, shape (n,)
        Added points.

    Returns
    -------
    ndarray, shape (n,)
        In points; from 200,000 simulated participants, the same every time, linear between 41 values.
    """
    low, high = float(points.min()), float(points.max())
    at = np.linspace(low, high, 41) if high > low else np.array([low])
    later = _population().later
    untreated = bounded(later).mean()
    return np.interp(points, at, [float(bounded(later + added).mean() - untreated) for added in at])


def _everybody(n: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    group = rng.choice(len(_WEIGHT), size=n, p=_WEIGHT / _WEIGHT.sum())
    start = CEILING * special.expit(rng.normal(_LOGIT_MEAN[group], _LOGIT_SD[group]))

    def score(weeks: float) -> FloatArray:
        regained = _SHARE[group] * (CEILING - start) * -np.expm1(-weeks / _WEEKS[group])
        return np.asarray(start + regained + rng.normal(0, _NOISE, n))

    return bounded(score(_FIRST)), score(_LATER)


@lru_cache(maxsize=1)
def _population() -> RecoveryScores:
    return recovery_scores(_POPULATION, np.random.default_rng(_SEED))
