"""The densities of the models, written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from neurotrial.models.bayes.models import GROUP_TIME, NuisancePriors, TwoVisits, build_model

PRIORS = NuisancePriors(intercept_sd=1.5, covariate_sd=0.7, sigma_scale=0.9, correlation_eta=3.0)


def visits(n=12):
    rng = np.random.default_rng(5)
    arms = np.eye(3)[rng.integers(0, 3, n)][:, 1:]
    return TwoVisits(rng.normal(size=n), rng.normal(size=n), arms, rng.normal(size=(n, 2)))


def somewhere(seed):
    """Return a point of the parameters, as values and on the scale of the sampler."""
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(size=2) for name in ("effect", "imbalance", "covariate_weights")}
    values |= {"mean_baseline": rng.normal(), "time": rng.normal()}
    sds, half = rng.uniform(0.3, 2, 2), rng.uniform(0.1, 0.9)
    point = values | {"sd_log__": np.log(sds), "half_correlation_logodds__": special.logit(half)}
    return values, sds, half, point


def log_density(data, values, sds, half):
    rho = 2 * half - 1
    before = values["mean_baseline"] + data.arms @ values["imbalance"]
    after = (
        before + values["time"] + data.covariates @ values["covariate_weights"] + data.arms @ values["effect"]
    )
    covariance = np.array([[sds[0] ** 2, rho * sds.prod()], [rho * sds.prod(), sds[1] ** 2]])
    pairs = np.column_stack([data.baseline - before, data.follow_up - after])
    total = stats.multivariate_normal(np.zeros(2), covariance).logpdf(pairs).sum()
    for name, sd in (
        ("effect", 1),
        ("imbalance", 1),
        ("covariate_weights", 0.7),
        ("mean_baseline", 1.5),
        ("time", 1.5),
    ):
        total += stats.norm.logpdf(values[name], 0, sd).sum()
    # LKJ of two visits: a beta density of the half-shifted correlation
    return total + stats.halfnorm.logpdf(sds, 0, 0.9).sum() + stats.beta.logpdf(half, 3, 3)


def test_group_time_is_a_correlated_normal_pair_with_the_declared_priors():
    data = visits()
    density = build_model(GROUP_TIME, data, PRIORS).compile_logp(jacobian=False)
    *here, point = somewhere(0)
    for seed in (1, 2, 3):
        *there, other = somewhere(seed)
        # a difference, because PyMC has some constants in single precision
        expected = log_density(data, *there) - log_density(data, *here)
        assert float(density(other)) - float(density(point)) == pytest.approx(expected, rel=1e-11)
