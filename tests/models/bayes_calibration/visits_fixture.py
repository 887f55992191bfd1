"""Trials on the standardised scale, with priors that are not the defaults."""

from __future__ import annotations

import numpy as np

from neurotrial.bayes_plan import NormalPrior, NuisancePriors
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
