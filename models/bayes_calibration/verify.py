"""The sampled posteriors of effects held against the exact ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import PRIOR_SETS, BayesPlan
from neurotrial.models.bayes.asked import Wording
from neurotrial.models.bayes.fit import Question, sample_posterior
from neurotrial.models.bayes.generations import array_statistics
from neurotrial.models.bayes.sampling import sampler_name
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_calibration.exact import exact_ancova
from neurotrial.models.bayes_calibration.exact_group_time import exact_group_time, pair_model
from neurotrial.models.bayes_gaussian.ancova_model import ancova_model
from neurotrial.models.bayes_gaussian.mmrm_model import mmrm_model, repeated_measures
from neurotrial.models.two_visit_models import TwoVisitTable

if TYPE_CHECKING:
    from neurotrial.bayes_plan import NormalPrior
    from neurotrial.models.bayes.model import BayesModel, FloatArray
    from neurotrial.models.bayes.standardised import Standardised
    from neurotrial.models.bayes_calibration.exact import NormalMixture

__all__ = ["LIMIT", "VERIFIED", "Verified", "trial", "verify_posteriors"]

LIMIT = 4.0
"""Monte Carlo standard errors within which a sampled number must lie."""

_SIZES = {"motor": (39, 15), "imaging": (31, 13)}
_EFFECT, _SLOPE, _NOISE = 0.4, 0.7, 0.8
_TAILS = (0.025, 0.975)
_WORDING = Wording()


@dataclass(frozen=True, slots=True)
class Verified:
    """A model of two arms at two visits, and its exact posterior.

    Attributes
    ----------
    model : callable
        From a table of participants, the prior of the effect and the plan to the model.
    exact : callable
        From the standardised table, the prior and the plan to the posterior of the effect, in baseline SDs.
    term : str
        The term of the effect among the targets of the model.
    """

    model: Callable[[pd.DataFrame, NormalPrior, BayesPlan], BayesModel]
    exact: Callable[[Standardised, NormalPrior, BayesPlan], NormalMixture]
    term: str


def verify_posteriors(seed: int = 1) -> pd.DataFrame:
    """Sample both models on two simulated trials with each prior, and compare with the exact posteriors.

    Parameters
    ----------
    seed : int
        Root of the random streams of data and sampler.

    Returns
    -------
    DataFrame
        A row for each number: model, trial, prior, quantity (mean, sd, quantiles, probability of benefit; in baseline
        SDs), exact, sampled, monte_carlo_error (ArviZ), distance in these errors, ok (distance below `LIMIT`).
    """
    plan, rows = BayesPlan(), []
    for name, sizes in _SIZES.items():
        people = trial(seed, *sizes)
        given = _standardised(people)
        for kind, verified in VERIFIED.items():
            for prior in PRIOR_SETS:
                effect = getattr(plan.effect, prior)
                question = Question(verified.model(people, effect, plan), plan, seed)
                place = {"model": kind, "trial": name, "prior": prior}
                draws = _effect_draws(question, verified.term)
                rows += [place | row for row in _compared(draws, verified.exact(given, effect, plan))]
    table = pd.DataFrame(rows)
    distance = (table["sampled"] - table["exact"]).abs() / table["monte_carlo_error"]
    return table.assign(distance=distance, ok=distance < LIMIT)


def trial(seed: int, n_cells: int, n_control: int) -> pd.DataFrame:
    """Return a simulated trial of two arms: a row for each participant, with arm, baseline and follow_up."""
    rng = np.random.default_rng(seed)
    arm = np.repeat(["cells", "control"], [n_cells, n_control])
    baseline = rng.normal(size=len(arm))
    follow_up = _EFFECT * (arm == "cells") + _SLOPE * baseline + rng.normal(0, _NOISE, len(arm))
    return pd.DataFrame({"arm": arm, "baseline": baseline, "follow_up": follow_up})


def _standardised(people: pd.DataFrame) -> Standardised:
    return standardise(people, outcome="follow_up", baseline="baseline", arm="arm", reference="control")


def _ancova(people: pd.DataFrame, effect: NormalPrior, plan: BayesPlan) -> BayesModel:
    return ancova_model(_standardised(people), effect, plan, _WORDING)


def _group_time(people: pd.DataFrame, effect: NormalPrior, plan: BayesPlan) -> BayesModel:
    long = TwoVisitTable(people, "follow_up", "baseline", "arm", "control").long()
    given = repeated_measures("value ~ arm * visit", long, subject="participant", visit="visit", arm="arm")
    return mmrm_model(given, effect, plan, _WORDING, kind="bayes_group_time")


VERIFIED = {
    "bayes_ancova": Verified(
        _ancova, lambda given, effect, plan: exact_ancova(given.visits, effect, plan.others), "arm"
    ),
    "bayes_group_time": Verified(
        _group_time,
        lambda given, effect, plan: exact_group_time(pair_model(given.visits, effect, plan.others)),
        "group_by_time",
    ),
}
"""The models whose posterior is known without a sampler."""


def _effect_draws(question: Question, term: str) -> FloatArray:
    """Return draws of the effect in baseline SDs, shape (chains, draws)."""
    draws = sample_posterior(question, sampler_name()).draws
    target = next(one for one in question.model.targets(draws.flat) if one.term == term)
    return np.asarray(target.draws / target.scale).reshape(draws.energy.shape)


def _compared(draws: FloatArray, exact: NormalMixture) -> Iterator[dict[str, Any]]:
    statistics = array_statistics()

    def error(values: Any, **method: Any) -> float:
        return float(statistics.mcse(values, chain_axis=0, draw_axis=1, **method))

    def row(quantity: str, true: float, sampled: float, mcse: float) -> dict[str, Any]:
        return {"quantity": quantity, "exact": true, "sampled": sampled, "monte_carlo_error": mcse}

    yield row("mean", exact.mean, float(draws.mean()), error(draws, method="mean"))
    yield row("sd", exact.sd, float(draws.std(ddof=1)), error(draws, method="sd"))
    for tail in _TAILS:
        own = float(np.quantile(draws, tail))
        yield row(f"quantile {tail:g}", exact.quantile(tail), own, error(draws, method="quantile", prob=tail))
    benefit = (draws > 0).astype("float64")
    yield row(
        "probability of benefit", 1 - exact.cdf(0.0), float(benefit.mean()), error(benefit, method="mean")
    )
