"""A trial of a motor score from 0 to 66 in 31 and 13 participants, with floor and ceiling, and its models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import BayesPlan, NormalPrior, NuisancePriors
from neurotrial.models.bayes_scores.bounded_model import bounded_model

FAMILIES = ("beta_binomial", "ordered_beta", "recovery")
SIZE = 66
OTHERS = NuisancePriors(intercept_sd=1.2, slope=NormalPrior(mean=0.4, sd=0.7), covariate_sd=0.6)
EFFECT = NormalPrior(mean=0.4, sd=0.5)


def trial(seed=1, n_cells=31, n_control=13):
    """Participants of whom more recover in one arm; a few at the ends of the scale."""
    rng = np.random.default_rng(seed)
    n = n_cells + n_control
    arm = np.array(["cells"] * n_cells + ["control"] * n_control)
    before = np.clip(np.round(rng.normal(30, 16, n)), 0, SIZE)
    recovers = rng.uniform(size=n) < np.where(arm == "cells", 0.6, 0.35)
    after = before + np.where(recovers, 0.65, 0.08) * (SIZE - before)
    mean = (after + 0.5) / (SIZE + 1)
    points = rng.binomial(SIZE, rng.beta(15 * mean, 15 * (1 - mean))).astype(float)
    points[0], points[1], points[n_cells] = 0, SIZE, SIZE
    names = [f"sub-{i:02d}" for i in range(n)]
    columns = {"arm": arm, "before": before, "after": points, "age": rng.normal(60, 8, n)}
    return pd.DataFrame(columns, index=pd.Index(names, name="participant_id"))


def model(family, data=None, **options):
    """A model of the trial, with a covariate where the family takes one."""
    given = {
        "outcome": "after",
        "baseline": "before",
        "arm": "arm",
        "bounds": (0, SIZE),
        "reference": "control",
        "covariates": () if family == "recovery" else ("age",),
        "effect": EFFECT,
        "plan": BayesPlan(others=OTHERS),
        "direction": "higher_is_better",
    }
    return bounded_model(trial() if data is None else data, family=family, **(given | options))


def mirrored(data):
    """The same participants on the scale turned upside down."""
    return data.assign(before=SIZE - data["before"], after=SIZE - data["after"])
