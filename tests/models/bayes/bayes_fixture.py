"""Trials on the standardised scale, and draws that no sampler made."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import BayesPlan, NormalPrior, NuisancePriors
from neurotrial.models.bayes.fit import Question
from neurotrial.models.bayes.sampling import Draws
from neurotrial.models.bayes.standardised import TwoVisits

PRIORS = NuisancePriors(
    intercept_sd=1.5,
    slope=NormalPrior(mean=0.3, sd=0.8),
    covariate_sd=0.7,
    imbalance_sd=0.6,
    residual_sd=0.9,
    correlation_eta=3.0,
)
EFFECT = NormalPrior(mean=0.5, sd=0.4)


def visits(n=12, n_compared=2, n_covariates=2, seed=5):
    rng = np.random.default_rng(seed)
    arms = np.eye(n_compared + 1)[np.arange(n) % (n_compared + 1)][:, 1:]
    return TwoVisits(
        rng.normal(size=n), rng.normal(size=n), arms - arms.mean(axis=0), rng.normal(size=(n, n_covariates))
    )


def question(kind, effect=EFFECT, seed=3, **sizes):
    return Question(kind, visits(**sizes), effect, BayesPlan(others=PRIORS), seed)


def independent_draws(shape, rng, chains=4, draws=1000, *, ancova=True, diverging=0, stuck=False):
    """Draws of the variables of a model, independent of each other and of any data; one chain far away if stuck."""
    size = (chains, draws)
    effect = rng.normal(0.4, 0.3, (*size, shape[0]))
    if stuck:
        effect[0] += 5
    variables = {"effect": effect}
    names = ("intercept", "slope") if ancova else ("mean_baseline", "time")
    variables |= {name: rng.normal(0.3, 0.1, size) for name in names}
    if ancova:
        variables["sigma"] = rng.uniform(0.5, 1.5, size)
    else:
        variables["imbalance"] = rng.normal(0, 0.1, (*size, shape[0]))
        variables["sd"] = rng.uniform(0.5, 1.5, (*size, 2))
        variables["half_correlation"] = rng.beta(9, 3, size)
        variables["correlation"] = 2 * variables["half_correlation"] - 1
    if shape[1]:
        variables["covariate_weights"] = rng.normal(size=(*size, shape[1]))
    flags = np.zeros(size, dtype=bool)
    flags.ravel()[:diverging] = True
    return Draws(variables, rng.normal(size=size), flags)


def participants(n=30, seed=2):
    """A table of participants in the unit of an outcome, with two covariates."""
    rng = np.random.default_rng(seed)
    arm = np.where(np.arange(n) % 3 == 0, "control", "cells")
    before = rng.normal(40, 10, n)
    after = before + 5 * (arm == "cells") + rng.normal(0, 6, n)
    age = rng.normal(60, 8, n)
    return pd.DataFrame(
        {"arm": arm, "before": before, "after": after, "age": age, "site": np.where(age > 60, "a", "b")}
    )
