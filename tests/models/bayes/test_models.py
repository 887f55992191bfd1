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


@pytest.mark.parametrize("seed", range(3))
def test_group_time_is_a_correlated_normal_pair_with_the_declared_priors(seed):
    data = visits()
    model = build_model(GROUP_TIME, data, PRIORS)
    rng = np.random.default_rng(seed)
    effect, imbalance, weights = rng.normal(size=2), rng.normal(size=2), rng.normal(size=2)
    first, time = rng.normal(size=2)
    sds, half = rng.uniform(0.3, 2, 2), rng.uniform(0.1, 0.9)
    point = {
        "effect": effect, "imbalance": imbalance, "covariate_weights": weights, "mean_baseline": first, "time": time,
        "sd_log__": np.log(sds), "half_correlation_logodds__": special.logit(half),
    }  # fmt: skip
    rho = 2 * half - 1
    before = first + data.arms @ imbalance
    after = first + time + data.covariates @ weights + data.arms @ (imbalance + effect)
    covariance = np.array([[sds[0] ** 2, rho * sds.prod()], [rho * sds.prod(), sds[1] ** 2]])
    pairs = np.column_stack([data.baseline - before, data.follow_up - after])
    expected = stats.multivariate_normal(np.zeros(2), covariance).logpdf(pairs).sum()
    expected += stats.norm.logpdf(effect).sum() + stats.norm.logpdf(imbalance).sum()
    expected += stats.norm.logpdf(weights, 0, 0.7).sum() + stats.norm.logpdf([first, time], 0, 1.5).sum()
    # LKJ of two visits: a beta density of the half-shifted correlation
    expected += stats.halfnorm.logpdf(sds, 0, 0.9).sum() + stats.beta.logpdf(half, 3, 3)
    found = model.compile_logp(jacobian=False)(point)
    assert float(found) == pytest.approx(expected, rel=1e-12)
