"""One fit: sampled until the draws may be shown, or reported as failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bayes.sampling import compiled
from neurotrial.models.bayes_evidence.convergence import convergence
from neurotrial.models.bayes_evidence.draws import target_name

if TYPE_CHECKING:
    from neurotrial.bayes_plan import BayesPlan, SamplingPlan
    from neurotrial.models.bayes.model import BayesModel
    from neurotrial.models.bayes.sampling import Draws
    from neurotrial.models.bayes_evidence.convergence import Convergence

__all__ = ["Posterior", "Question", "converged", "sample_posterior"]

_CLOSER = 10
"""How many times nearer to 1 the acceptance rate gets with each attempt."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Everything that a posterior depends on.

    Attributes
    ----------
    model : BayesModel
        Data and priors.
    plan : BayesPlan
        Sampler, and what the draws must reach.
    seed : int
        Root of the random streams.
    """

    model: BayesModel
    plan: BayesPlan
    seed: int


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


def sample_posterior(question: Question, sampler: str, *, progress: bool = False) -> Posterior:
    """Sample a posterior; where the draws do not reach what the plan asks, again with smaller steps and twice the draws.

    Parameters
    ----------
    question : Question
        Model with data and priors, and plan.
    sampler : {"nutpie", "PyMC NUTS"}
        What draws.
    progress : bool
        Show the sampler's own progress.

    Returns
    -------
    Posterior
        The first attempt that reaches everything, or the last one with its fault.
    """
    machine, accept = compiled(question.model, sampler), question.plan.accept
    sampling = question.plan.sampling
    seeds = np.random.SeedSequence(question.seed).generate_state(accept.attempts)
    for attempt, seed in enumerate(seeds, 1):
        draws = machine.sample(question.model, sampling, int(seed), progress=progress)
        found = converged(question.model, draws)
        fault = "; ".join(found.faults(accept))
        if not fault or attempt == accept.attempts:
            break
        sampling = _more_careful(sampling)
    return Posterior(draws, found, sampler, sampling, attempt, fault)


def converged(model: BayesModel, draws: Draws) -> Convergence:
    """Return what draws are worth, for each parameter and each number that is asked."""
    asked = {
        target_name(target): target.draws.reshape(draws.energy.shape) for target in model.targets(draws.flat)
    }
    return convergence(draws.variables, asked, draws.statistics)


def _more_careful(plan: SamplingPlan) -> SamplingPlan:
    changed = {
        "target_accept": 1 - (1 - plan.target_accept) / _CLOSER,
        "tune": 2 * plan.tune,
        "draws": 2 * plan.draws,
    }
    return plan.model_copy(update=changed)
