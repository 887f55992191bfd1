"""The densities of the models, written out."""

from __future__ import annotations

import numpy as np
import pytest
from bayes_fixture import EFFECT, PRIORS, question
from scipy import special, stats

from neurotrial.models.bayes.two_visits import ANCOVA, GROUP_TIME, build_model, model_data


def log_priors(values, sds):
    """Log density of the normal and half-normal priors."""
    scales = {"mean_baseline": (0, 1.5), "time": (0, 1.5), "intercept": (0, 1.5), "imbalance": (0, 0.6)}
    scales |= {"effect": (EFFECT.mean, EFFECT.sd), "slope": (0.3, 0.8), "covariate_weights": (0, 0.7)}
    total = stats.halfnorm.logpdf(sds, 0, PRIORS.residual_sd).sum()
    return total + sum(stats.norm.logpdf(value, *scales[name]).sum() for name, value in values.items())


def group_time(visits, values, sds, half):
    rho = 2 * half - 1
    before = values["mean_baseline"] + visits.arms @ values["imbalance"]
    adjustment = visits.covariates @ values["covariate_weights"]
    after = before + values["time"] + adjustment + visits.arms @ values["effect"]
    covariance = np.array([[sds[0] ** 2, rho * sds.prod()], [rho * sds.prod(), sds[1] ** 2]])
    pairs = np.column_stack([visits.baseline - before, visits.follow_up - after])
    total = stats.multivariate_normal(np.zeros(2), covariance).logpdf(pairs).sum()
    # LKJ of two visits: a beta density of the half-shifted correlation
    return total + log_priors(values, sds) + stats.beta.logpdf(half, 3, 3)


def ancova(visits, values, sds, _):
    mean = values["intercept"] + values["slope"] * visits.baseline + visits.arms @ values["effect"]
    mean = mean + visits.covariates @ values["covariate_weights"]
    return stats.norm.logpdf(visits.follow_up, mean, sds).sum() + log_priors(values, sds)


def somewhere(kind, seed):
    """Return a point of the parameters, as values and on the scale of the sampler."""
    rng = np.random.default_rng(seed)
    names = (
        ("mean_baseline", "time", "imbalance", "effect")
        if kind == GROUP_TIME
        else ("intercept", "slope", "effect")
    )
    values = {name: rng.normal(size=2 if name in {"imbalance", "effect"} else None) for name in names}
    values["covariate_weights"] = rng.normal(size=2)
    half = rng.uniform(0.1, 0.9)
    if kind == ANCOVA:
        sds = rng.uniform(0.3, 2, 1)
        return values, sds, half, values | {"sigma_log__": np.log(sds[0])}
    sds = rng.uniform(0.3, 2, 2)
    point = values | {"sd_log__": np.log(sds), "half_correlation_logodds__": special.logit(half)}
    return values, sds, half, point


@pytest.mark.parametrize(("kind", "log_density"), [(ANCOVA, ancova), (GROUP_TIME, group_time)])
def test_the_density_is_that_of_the_model_with_the_declared_priors(kind, log_density):
    import pymc as pm

    asked = question(kind)
    model = build_model(asked.shape)
    with model:
        pm.set_data(model_data(asked.visits, asked.effect))
    density = model.compile_logp(jacobian=False)
    *here, point = somewhere(kind, 0)
    for seed in (1, 2, 3):
        *there, other = somewhere(kind, seed)
        # a difference, because PyMC has some constants in single precision
        expected = log_density(asked.visits, *there) - log_density(asked.visits, *here)
        assert float(density(other)) - float(density(point)) == pytest.approx(expected, rel=1e-11)


def test_a_model_without_covariates_takes_no_covariates():
    asked = question(ANCOVA, n_covariates=0)
    assert "covariates" not in model_data(asked.visits, asked.effect)
    assert "covariate_weights" not in build_model(asked.shape).named_vars
