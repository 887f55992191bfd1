"""Tables of participants, and draws that no sampler made."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurotrial.bayes_plan import BayesPlan
from neurotrial.models.bayes.asked import Wording
from neurotrial.models.bayes.fit import Question
from neurotrial.models.bayes.sampling import Draws
from neurotrial.models.bayes.standardised import standardise
from neurotrial.models.bayes_gaussian.ancova_model import ancova_model

ANCOVA = {"outcome": "after", "baseline": "before", "arm": "arm", "reference": "control"}
"""Columns of `participants`, for the analysis of covariance."""


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


def both_visits(wide):
    """The same participants with a row for each visit."""
    who = [f"sub-{row:02d}" for row in range(len(wide))]
    parts = [
        wide.assign(who=who, visit=visit, score=wide[column])
        for visit, column in (("baseline", "before"), ("day90", "after"))
    ]
    long = pd.concat(parts, ignore_index=True)
    return long.assign(arm=pd.Categorical(long["arm"], ["control", "cells"]))


def ancova_question(plan=None, seed=3, prior="neutral", **options):
    """The question of an analysis of covariance of `participants`."""
    plan = plan or BayesPlan()
    given = standardise(participants(), **ANCOVA, **options)
    return Question(ancova_model(given, getattr(plan.effect, prior), plan, Wording()), plan, seed)


def independent_draws(model, rng, chains=4, draws=1000, *, diverging=0, stuck=False):
    """Draws of the parameters of a model from its priors; one chain far away if stuck."""
    flat = model.draw_prior(rng, chains * draws)
    variables = {name: values.reshape(chains, draws, *values.shape[1:]) for name, values in flat.items()}
    if stuck:
        variables["coefficients"][0] += 10
    flags = np.zeros((chains, draws), dtype=bool)
    flags.ravel()[:diverging] = True
    return Draws(
        variables, rng.normal(size=flags.shape), flags, np.full(flags.shape, 3.0), np.zeros_like(flags)
    )


class Scripted:
    """A sampler that hands out prepared draws, one set a call, and notes how it was asked."""

    def __init__(self, *faults):
        self.faults, self.asked = list(faults), []

    def sample(self, model, plan, seed, *, progress=False):
        self.asked.append((plan, seed, progress))
        fault = self.faults.pop(0) if self.faults else {}
        return independent_draws(model, np.random.default_rng(seed), **fault)
