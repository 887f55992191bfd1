"""The shipped Bayesian models by name: whose calibration and operating characteristics are looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from neurotrial.models.bayes_calibration.scenarios import SCENARIOS
from neurotrial.models.bayes_calibration.trial_posteriors import exact_ancovas, exact_group_times

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import BayesModel
    from neurotrial.models.bayes_calibration.trial_posteriors import Analysis

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
    """

    analysis: Analysis
    scenarios: tuple[str, ...]
    exact: bool = False


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

OPERATING: Mapping[str, Judged] = {
    "ancova": Judged(exact_ancovas(), tuple(SCENARIOS), exact=True),
    "group_time": Judged(
        exact_group_times(),
        tuple(name for name, scenario in SCENARIOS.items() if not scenario.missing),
        exact=True,
    ),
}
"""Each model whose operating characteristics are stored."""
