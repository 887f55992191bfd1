"""One fit: sampled until the draws may be shown, or reported as failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bayes.diagnostics import convergence
from neurotrial.models.bayes.sampling import compiled
from neurotrial.models.bayes.two_visits import Shape, model_data

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan, NormalPrior, SamplingPlan
    from neurotrial.models.bayes.diagnostics import Convergence
    from neurotrial.models.bayes.sampling import Draws
    from neurotrial.models.bayes.standardised import TwoVisits
    from neurotrial.models.bayes.two_visits import Kind

__all__ = ["Posterior", "Question", "sample_posterior"]

_CLOSER = 10
"""How many times nearer to 1 the acceptance rate gets with each attempt."""


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that a posterior depends on.

    Attributes
    ----------
    kind : {"bayes_ancova", "bayes_group_time"}
        The model.
    visits : TwoVisits
        The data, standardised.
    effect : NormalPrior
        Prior of the effect on that scale, not oriented.
    plan : BayesPlan
        Other priors, sampler, and what the draws must reach.
    seed : int
        Root of the random streams.
    """

    kind: Kind
    visits: TwoVisits
    effect: NormalPrior
    plan: BayesPlan
    seed: int

    @property
    def shape(self) -> Shape:
        """What must be the same for a compiled model to serve."""
        visits = self.visits
        return Shape(self.kind, visits.arms.shape[1], visits.covariates.shape[1], self.plan.others)


@dataclass(frozen=True, slots=True)
class Posterior:
    """Draws with how they were made and what they are worth.

    Attributes
    ----------
    draws : Draws
        Of the last attempt.
    convergence : Convergence
        What they are worth.
    sampler : str
        What drew.
    sampling : SamplingPlan
        How the last attempt was made.
    attempts : int
        How often it was tried.
    fault : str
        What was not reached; empty where the draws may be shown.
    """

    draws: Draws
    convergence: Convergence
    sampler: str
    sampling: SamplingPlan
    attempts: int
    fault: str


def sample_posterior(question: Question, sampler: str) -> Posterior:
    """Sample a posterior; where the draws do not reach what the plan asks, again with smaller steps and twice the draws.

    Parameters
    ----------
    question : Question
        Model, data, priors and plan.
    sampler : {"nutpie", "PyMC NUTS"}
        What draws.

    Returns
    -------
    Posterior
        The first attempt that reaches everything, or the last one with its fault.
    """
    machine, accept = compiled(question.shape, sampler), question.plan.accept
    data, sampling = model_data(question.visits, question.effect), question.plan.sampling
    seeds = np.random.SeedSequence(question.seed).generate_state(accept.attempts)
    for attempt, seed in enumerate(seeds, 1):
        draws = machine.sample(data, sampling, int(seed))
        found = convergence(draws)
        fault = "; ".join(found.faults(accept))
        if not fault or attempt == accept.attempts:
            break
        sampling = _more_careful(sampling)
    return Posterior(draws, found, sampler, sampling, attempt, fault)


def _more_careful(plan: SamplingPlan) -> SamplingPlan:
    changed = {
        "target_accept": 1 - (1 - plan.target_accept) / _CLOSER,
        "tune": 2 * plan.tune,
        "draws": 2 * plan.draws,
    }
    return plan.model_copy(update=changed)
