"""The shipped sampler as calibration wants it: a compiled model for each shape, once a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import SamplingPlan
from neurotrial.models.bayes.sampling import compiled, sampler_name
from neurotrial.models.bayes_calibration.simulation_based import Fitted

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import BayesModel

__all__ = ["PLAN", "NutsSampling"]

PLAN = SamplingPlan(chains=2, draws=500, tune=500, target_accept=0.95)
"""Enough for about a hundred nearly independent draws; a wrong model shows in many fits, not in one long one."""


@dataclass(frozen=True, slots=True)
class NutsSampling:
    """Draws from the posterior of a model by the sampler that fits of trials use.

    Attributes
    ----------
    plan : SamplingPlan
        Chains, draws, warm-up and acceptance rate.
    """

    plan: SamplingPlan = PLAN

    def __call__(self, model: BayesModel, seed: int) -> Fitted:
        """Draw the model's named parameters, shape (chains, draws, ...)."""
        draws = compiled(model, sampler_name()).sample(model, self.plan, seed)
        return Fitted(draws.variables, int(draws.diverging.sum()))
