"""The posteriors of simulated trials: exact where there is an exact one, sampled elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.bayes_plan import NuisancePriors
from neurotrial.errors import refuse
from neurotrial.models.bayes.sampling import flattened
from neurotrial.models.bayes_calibration.many_posteriors import ancova_mixtures, group_time_mixtures

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.bayes_plan import NormalPrior
    from neurotrial.models.bayes.model import BayesModel, FloatArray, Parameters, Target
    from neurotrial.models.bayes_calibration.generators import SimulatedTrials
    from neurotrial.models.bayes_calibration.many_posteriors import Mixtures
    from neurotrial.models.bayes_calibration.simulation_based import Sampling
    from neurotrial.models.bayes_calibration.uniformity import IntArray

__all__ = [
    "Analysis",
    "ExactAnalysis",
    "SampledAnalysis",
    "TrialPosteriors",
    "exact_ancovas",
    "exact_group_times",
]

TAILS = (0.025, 0.975)
"""The limits of the intervals whose coverage is counted."""


@dataclass(frozen=True, slots=True)
class TrialPosteriors:
    """The posteriors of the effects in simulated trials.

    Attributes
    ----------
    mean, low, high : ndarray, shape (n_trials, outcomes)
        Posterior mean and limits of the equal-tailed 95 % interval, in the unit of the trials' values.
    benefit : ndarray, shape (n_trials, outcomes)
        Posterior probability of an effect above 0.
    divergences : ndarray of int, shape (n_trials,)
        Transitions that diverged.
    """

    mean: FloatArray
    low: FloatArray
    high: FloatArray
    benefit: FloatArray
    divergences: IntArray


Analysis = Callable[["SimulatedTrials", "NormalPrior", np.random.SeedSequence], TrialPosteriors]
"""Analyses trials with a prior of the effect in baseline SDs; the seed is for samplers."""


@dataclass(frozen=True, slots=True)
class ExactAnalysis:
    """The exact posterior of participants who miss nothing, each outcome on its own.

    Attributes
    ----------
    mixtures : callable
        `ancova_mixtures` or `group_time_mixtures`.
    complete_only : bool
        Whether trials with missing follow-up values are refused: the model that is shipped would use the participants'
        baseline.
    priors : NuisancePriors
        Of everything but the effect.
    """

    mixtures: Callable[..., Mixtures]
    complete_only: bool = False
    priors: NuisancePriors = field(default_factory=NuisancePriors)

    def __call__(
        self, trials: SimulatedTrials, effect: NormalPrior, seed: np.random.SeedSequence
    ) -> TrialPosteriors:
        """Return the posteriors of all trials."""
        del seed
        if self.complete_only and not np.isfinite(trials.follow_up).all():
            rule = "has an exact posterior for complete trials only"
            raise refuse("group x time", rule, "choose a scenario without missing values, or a sampler")
        known = trials.complete()
        each = [self._outcome(known, k, effect) for k in range(known.baseline.shape[2])]
        mean, low, high, benefit = (np.column_stack(part) for part in zip(*each, strict=True))
        return TrialPosteriors(mean, low, high, benefit, np.zeros(len(trials), dtype="int64"))

    def _outcome(self, trials: SimulatedTrials, k: int, effect: NormalPrior) -> tuple[FloatArray, ...]:
        before, after = trials.baseline[:, :, k], trials.follow_up[:, :, k]
        centre, sd = before.mean(axis=1, keepdims=True), _pooled_sd(before, trials.treated)[:, None]
        found = self.mixtures(
            (before - centre) / sd, (after - centre) / sd, trials.treated, effect, self.priors
        )
        limits = [sd[:, 0] * found.quantile(tail) for tail in TAILS]
        return sd[:, 0] * found.mean, *limits, 1 - found.cdf(np.zeros(len(sd)))


@dataclass(frozen=True, slots=True)
class SampledAnalysis:
    """Trials that are fitted one by one with a sampler.

    Attributes
    ----------
    make : callable
        Makes the model of a table of participants (`SimulatedTrials.frame`) and the prior of the effect.
    sampling : callable
        Draws from its posterior, given a seed.
    chosen : callable
        Whether a target is the effect on an outcome; as many must be, in the order of the outcomes, as there are
        outcomes.
    """

    make: Callable[[pd.DataFrame, NormalPrior], BayesModel]
    sampling: Sampling
    chosen: Callable[[Target], bool]

    def __call__(
        self, trials: SimulatedTrials, effect: NormalPrior, seed: np.random.SeedSequence
    ) -> TrialPosteriors:
        """Return the posteriors of all trials."""
        fits = [
            self._fit(trials.frame(number), effect, int(own.generate_state(1)[0]))
            for number, own in enumerate(seed.spawn(len(trials)))
        ]
        draws = np.array([found for found, _ in fits])
        return TrialPosteriors(
            mean=draws.mean(axis=2),
            low=np.quantile(draws, TAILS[0], axis=2),
            high=np.quantile(draws, TAILS[1], axis=2),
            benefit=(draws > 0).mean(axis=2),
            divergences=np.array([divergences for _, divergences in fits], dtype="int64"),
        )

    def _fit(self, frame: pd.DataFrame, effect: NormalPrior, seed: int) -> tuple[FloatArray, int]:
        """Return the draws of the effects, shape (outcomes, draws), and how many transitions diverged."""
        model = self.make(frame, effect)
        fitted = self.sampling(model, seed)
        flat: Parameters = {name: flattened(values) for name, values in fitted.parameters.items()}
        targets = [target for target in model.targets(flat) if self.chosen(target)]
        outcomes = sum(str(name).startswith("follow_up_") for name in frame.columns)
        if len(targets) != outcomes:
            rule = f"has {len(targets)} chosen targets for {outcomes} outcomes"
            raise refuse(model.kind, rule, "choose the effect on each outcome")
        return np.array([target.draws for target in targets]), fitted.divergences


def exact_ancovas(priors: NuisancePriors | None = None) -> ExactAnalysis:
    """Return the exact Bayesian analysis of covariance of those who have a follow-up value."""
    return ExactAnalysis(ancova_mixtures, priors=priors or NuisancePriors())


def exact_group_times(priors: NuisancePriors | None = None) -> ExactAnalysis:
    """Return the exact Bayesian group x time analysis of complete trials."""
    return ExactAnalysis(group_time_mixtures, complete_only=True, priors=priors or NuisancePriors())


def _pooled_sd(values: FloatArray, treated: IntArray) -> Any:
    """Return the SD within arms in each trial, shape (n_trials,)."""
    arms = [values[:, treated == label] for label in (0, 1)]
    squares = sum(((own - own.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for own in arms)
    return np.sqrt(squares / (values.shape[1] - len(arms)))
