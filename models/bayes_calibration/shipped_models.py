"""The shipped Bayesian models by name: whose calibration and operating characteristics are looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import PRIOR_SETS
from neurotrial.models.bayes_calibration.scenarios import SCENARIOS
from neurotrial.models.bayes_calibration.trial_posteriors import exact_ancovas, exact_group_times

if TYPE_CHECKING:
    import numpy as np

    from neurotrial.bayes_plan import NormalPrior
    from neurotrial.models.bayes.model import BayesModel
    from neurotrial.models.bayes_calibration.generators import SimulatedTrials
    from neurotrial.models.bayes_calibration.trial_posteriors import Analysis, TrialPosteriors

__all__ = ["OPERATING", "SHIPPED", "Judged", "lazily"]


@dataclass(frozen=True, slots=True)
class Judged:
    """An analysis with the scenarios that it is judged in.

    Attributes
    ----------
    analysis : callable
        How trials are analysed.
    scenarios : tuple of str
        Names in `neurotrial.models.bayes_calibration.scenarios.SCENARIOS`.
    exact : bool
        Whether its posteriors are computed without a sampler.
    priors : tuple of str
        Prior sets that it is judged under.
    """

    analysis: Analysis
    scenarios: tuple[str, ...]
    exact: bool = False
    priors: tuple[str, ...] = PRIOR_SETS


def _sampled(model: str, *scenarios: str) -> Judged:
    """Return a model that is fitted trial by trial, under the neutral prior only: samplers take their time."""
    return Judged(LazyAnalysis(model), scenarios, priors=("neutral",))


@dataclass(frozen=True, slots=True)
class LazyAnalysis:
    """An analysis whose model is imported when it is first called; processes can send it to each other.

    Attributes
    ----------
    model : str
        As for `neurotrial.models.bayes_calibration.judged_models.sampled`.
    """

    model: str

    def __call__(
        self, trials: SimulatedTrials, effect: NormalPrior, seed: np.random.SeedSequence
    ) -> TrialPosteriors:
        """Return the posteriors of all trials."""
        from neurotrial.models.bayes_calibration.judged_models import sampled

        return sampled(self.model)(trials, effect, seed)


def lazily(module: str, function: str) -> Callable[[], BayesModel]:
    """Return a prototype that is made, and whose module is imported, when it is called.

    Parameters
    ----------
    module, function : str
        Where the prototype of a trial of 31 v 13 participants is made, without arguments.
    """

    def prototype() -> BayesModel:
        made: BayesModel = getattr(import_module(module), function)()
        return made

    return prototype


_PROTOTYPES = "neurotrial.models.bayes_calibration.prototypes"

SHIPPED: Mapping[str, Callable[[], BayesModel]] = {
    "ancova": lazily(_PROTOTYPES, "ancova"),
    "group_time": lazily(_PROTOTYPES, "group_time"),
    "mmrm4": lazily(_PROTOTYPES, "mmrm4"),
    "mmrm4_student": lazily(_PROTOTYPES, "mmrm4_student"),
    "outcomes": lazily(_PROTOTYPES, "outcomes"),
    "joint_change": lazily(_PROTOTYPES, "joint_change"),
    "beta_binomial": lazily(_PROTOTYPES, "beta_binomial"),
    "ordered_beta": lazily(_PROTOTYPES, "ordered_beta"),
    "recovery": lazily(_PROTOTYPES, "recovery"),
}
"""A prototype of each model: design, missing values and priors of a trial of 31 v 13 participants."""

_OF_ANCOVA = tuple(name for name in SCENARIOS if not name.endswith("_pair"))

OPERATING: Mapping[str, Judged] = {
    "ancova": Judged(exact_ancovas(), _OF_ANCOVA, exact=True),
    "group_time": Judged(
        exact_group_times(),
        tuple(name for name in _OF_ANCOVA if not SCENARIOS[name].missing),
        exact=True,
    ),
    "mmrm4": _sampled("mmrm4", "no_effect", "medium_effect"),
    "mmrm4_student": _sampled("mmrm4_student", "no_effect_heavy_tails", "medium_effect_heavy_tails"),
    "outcomes": _sampled("outcomes", "no_effect_outcomes", "medium_effect_outcomes"),
    "joint_change": _sampled("joint_change", "no_effect_pair", "medium_effect_pair"),
    "beta_binomial": _sampled("beta_binomial", "no_effect_recovery", "large_effect_recovery"),
    "ordered_beta": _sampled("ordered_beta", "no_effect_recovery", "large_effect_recovery"),
    "recovery": _sampled("recovery", "no_effect_recovery", "large_effect_recovery"),
}
"""Each model with the scenarios of its stored operating characteristics."""
