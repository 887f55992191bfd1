"""The shipped sampler as calibration wants it: a compiled model for each shape, once a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.bayes_plan import SamplingPlan
from neurotrial.models.bayes_calibration.simulation_based import Fitted

if TYPE_CHECKING:
    from collections.abc import Hashable

    from neurotrial.models.bayes.model import BayesModel
    from neurotrial.models.bayes.sampling import Sampler

__all__ = ["PLAN", "NutsSampling"]

PLAN = SamplingPlan(chains=2, draws=500, tune=500, target_accept=0.95)
"""Enough for about a hundred nearly independent draws; a wrong model shows in many fits, not in one long one."""

_COMPILED: dict[tuple[str, Hashable], Sampler] = {}


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
        draws = _compiled(model).sample(model.data(), self.plan, seed)
        size = draws.diverging.shape
        flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in draws.variables.items()}
        named = model.parameters(flat)
        return Fitted(
            {name: values.reshape(*size, *values.shape[1:]) for name, values in named.items()},
            int(draws.diverging.sum()),
        )


def _compiled(model: BayesModel) -> Sampler:
    from neurotrial.models.bayes.sampling import Sampler, sampler_name

    key = (model.kind, model.shape)
    if key not in _COMPILED:
        _COMPILED[key] = Sampler(model.build(), sampler_name())
    return _COMPILED[key]
