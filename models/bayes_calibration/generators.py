"""Simulated trials of a scenario; no Bayesian model has a part in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import NormalPrior
from neurotrial.models.bayes_calibration.recovery_scores import (
    baseline_sd,
    bounded,
    mean_difference,
    recovery_scores,
)

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray
    from neurotrial.models.bayes_calibration.scenarios import Scenario
    from neurotrial.models.bayes_calibration.uniformity import IntArray

__all__ = ["ARMS", "SimulatedTrials", "simulate_trials"]

ARMS = ("cells", "control")
"""The treated arm and the reference."""

_TAIL_DF = 3
_LOSS_SLOPE = -0.8
"""Log odds of having no follow-up value, by SD of baseline."""


@dataclass(frozen=True, slots=True)
class SimulatedTrials:
    """Trials of the same sizes; the treated stand first.

    Attributes
    ----------
    baseline, follow_up : ndarray, shape (n_trials, n, outcomes)
        Values; NaN where a follow-up is missing.
    treated : ndarray of int, shape (n,)
        1 for who is treated, 0 for the reference.
    truth : ndarray, shape (n_trials, outcomes)
        Difference between the arms in the mean of everybody's follow-up.
    sd : float
        True SD of baseline, in the unit of the values.
    """

    baseline: FloatArray
    follow_up: FloatArray
    treated: IntArray
    truth: FloatArray
    sd: float

    def __len__(self) -> int:
        return len(self.baseline)

    def frame(self, trial: int) -> pd.DataFrame:
        """Return one trial as a table of participants: arm, and baseline_1, follow_up_1, ... of each outcome."""
        columns: dict[str, object] = {"arm": np.where(self.treated == 1, *ARMS)}
        for outcome in range(self.baseline.shape[2]):
            columns[f"baseline_{outcome + 1}"] = self.baseline[trial, :, outcome]
            columns[f"follow_up_{outcome + 1}"] = self.follow_up[trial, :, outcome]
        return pd.DataFrame(columns)

    def complete(self) -> SimulatedTrials:
        """Return the trials without participants who miss the follow-up; each trial misses as many of each arm."""
        missing = np.asarray(np.isnan(self.follow_up).any(axis=2))
        # a stable sort keeps the treated before the reference
        order: IntArray = np.argsort(missing, axis=1, kind="stable")
        rows = order[:, : order.shape[1] - int(missing[0].sum())]
        at = np.arange(len(self))[:, None], rows
        return SimulatedTrials(
            self.baseline[at], self.follow_up[at], self.treated[rows[0]], self.truth, self.sd
        )


def simulate_trials(scenario: Scenario, n_trials: int, seed: np.random.SeedSequence) -> SimulatedTrials:
    """Simulate trials.

    Parameters
    ----------
    scenario : Scenario
        What is true.
    n_trials : int
        Trials.
    seed : SeedSequence
        Of the draws.

    Returns
    -------
    SimulatedTrials
        Normal and heavy-tailed values have mean 0 and SD 1 at both visits; scores are in points.
    """
    rng = np.random.default_rng(seed)
    treated = np.repeat([1, 0], scenario.n)
    effects = _effects(scenario, n_trials, rng)
    make = _recovery if scenario.distribution == "recovery" else _elliptical
    baseline, follow_up, truth, sd = make(scenario, effects, treated, rng)
    lost = _lost(scenario, baseline[:, :, 0], treated, rng)
    follow_up[lost] = np.nan
    return SimulatedTrials(baseline, follow_up, treated, truth, sd)


def _effects(scenario: Scenario, n_trials: int, rng: np.random.Generator) -> FloatArray:
    """Return the effect on each outcome in baseline SDs, shape (n_trials, outcomes)."""
    own = scenario.effect
    drawn = (
        rng.normal(own.mean, own.sd, n_trials)
        if isinstance(own, NormalPrior)
        else np.full(n_trials, float(own))
    )
    return drawn[:, None] * (np.arange(scenario.outcomes) < scenario.affected)


def _elliptical(
    scenario: Scenario, effects: FloatArray, treated: IntArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    size, k = (len(effects), len(treated)), scenario.outcomes
    root = np.linalg.cholesky(scenario.between + (1 - scenario.between) * np.eye(k))
    baseline, noise = (rng.standard_normal((*size, k)) @ root.T for _ in range(2))
    follow_up = scenario.correlation * baseline + np.sqrt(1 - scenario.correlation**2) * noise
    if scenario.distribution == "heavy_tails":
        # the variance of t is df / (df - 2)
        spread = np.sqrt((_TAIL_DF - 2) / rng.chisquare(_TAIL_DF, size))[:, :, None]
        baseline, follow_up = baseline * spread, follow_up * spread
    return baseline, follow_up + effects[:, None, :] * treated[:, None], effects, 1.0


def _recovery(
    scenario: Scenario, effects: FloatArray, treated: IntArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    del scenario
    sd = baseline_sd()
    people = recovery_scores(effects.shape[0] * len(treated), rng)
    points = sd * effects
    shape = (len(effects), len(treated), 1)
    later = people.later.reshape(shape) + points[:, None, :] * treated[:, None]
    truth = mean_difference(points[:, 0])[:, None]
    return people.baseline.reshape(shape), bounded(later), truth, sd


def _lost(
    scenario: Scenario, baseline: FloatArray, treated: IntArray, rng: np.random.Generator
) -> np.ndarray:
    """Say who has no follow-up value: drawn one after the other, each with a chance by baseline."""
    scaled = (baseline - baseline.mean()) / baseline.std()
    # the largest sums of log weights and Gumbel variables are a weighted sample without replacement
    keys = _LOSS_SLOPE * scaled + rng.gumbel(size=baseline.shape)
    out = np.zeros(baseline.shape, dtype=bool)
    for arm, size in zip((1, 0), scenario.n, strict=True):
        own = np.flatnonzero(treated == arm)
        first = np.argsort(-keys[:, own], axis=1)[:, : scenario.lost(size)]
        np.put_along_axis(out, own[first], values=True, axis=1)
    return out
