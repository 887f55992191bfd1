"""The sampled posteriors of effects held against the exact ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import PRIOR_SETS, BayesPlan
from neurotrial.models.bayes.fit import Question, sample_posterior
from neurotrial.models.bayes.generations import array_statistics
from neurotrial.models.bayes.sampling import sampler_name
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes.two_visits import ANCOVA, EFFECT, GROUP_TIME
from neurotrial.models.bayes_calibration.exact import exact_ancova
from neurotrial.models.bayes_calibration.exact_group_time import exact_group_time, pair_model

if TYPE_CHECKING:
    from neurotrial.models.bayes.standardised import Standardised
    from neurotrial.models.bayes.two_visits import Kind
    from neurotrial.models.bayes_calibration.exact import NormalMixture

__all__ = ["LIMIT", "exact_posterior", "trial", "verify_posteriors"]

LIMIT = 4.0
"""Monte Carlo standard errors within which a sampled number must lie."""

_SIZES = {"motor": (39, 15), "imaging": (31, 13)}
_EFFECT, _SLOPE, _NOISE = 0.4, 0.7, 0.8
_TAILS = (0.025, 0.975)


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
        given = trial(seed, *sizes)
        for kind in (ANCOVA, GROUP_TIME):
            for prior in PRIOR_SETS:
                question = Question(kind, given.visits, getattr(plan.effect, prior), plan, seed)
                place = {"model": kind, "trial": name, "prior": prior}
                rows += [place | row for row in _compared(question)]
    table = pd.DataFrame(rows)
    distance = (table["sampled"] - table["exact"]).abs() / table["monte_carlo_error"]
    return table.assign(distance=distance, ok=distance < LIMIT)


def trial(seed: int, n_cells: int, n_control: int) -> Standardised:
    """Return a simulated trial of two arms."""
    rng = np.random.default_rng(seed)
    arm = np.repeat(["cells", "control"], [n_cells, n_control])
    baseline = rng.normal(size=len(arm))
    follow_up = _EFFECT * (arm == "cells") + _SLOPE * baseline + rng.normal(0, _NOISE, len(arm))
    data = pd.DataFrame({"arm": arm, "baseline": baseline, "follow_up": follow_up})
    return standardise(data, outcome="follow_up", baseline="baseline", arm="arm", reference="control")


def exact_posterior(question: Question, arm: int = 0) -> NormalMixture:
    """Return the exact posterior of the effect of a compared arm, on the standardised scale."""
    visits, effect, priors = question.visits, question.effect, question.plan.others
    exact: dict[Kind, Any] = {
        ANCOVA: lambda: exact_ancova(visits, effect, priors, arm),
        GROUP_TIME: lambda: exact_group_time(pair_model(visits, effect, priors), arm),
    }
    mixture: NormalMixture = exact[question.kind]()
    return mixture


def _compared(question: Question) -> Iterator[dict[str, Any]]:
    draws = sample_posterior(question, sampler_name()).draws.variables[EFFECT][..., 0]
    exact, statistics = exact_posterior(question), array_statistics()

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
