"""The sampled analysis of covariance against its exact posterior; group x time against the same density written out."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.models.bayes.exact import exact_effect
from neurotrial.models.bayes.models import ANCOVA, EFFECT, NuisancePriors, TwoVisits, build_model, model_data
from neurotrial.models.bayes.sampling import Sampler, diagnose

PRIORS = NuisancePriors()
HOW = {"draws": 1000, "tune": 500, "chains": 4, "seed": 11, "target_accept": 0.9}


def visits(seed, n=44):
    rng = np.random.default_rng(seed)
    arm = (np.arange(n) < n * 31 // 44).astype(float)
    baseline = rng.normal(size=n)
    follow_up = 0.1 + 0.4 * arm + 0.7 * baseline + 0.6 * rng.normal(size=n)
    return TwoVisits(baseline, follow_up, arm[:, None], np.empty((n, 0)))


@pytest.fixture(scope="module")
def ancova():
    return Sampler(build_model(ANCOVA, visits(0), PRIORS))


@pytest.mark.parametrize(("seed", "n"), [(1, 44), (2, 54)])
@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.2), (0.0, 1.0), (0.5, 0.5)])
def test_sampled_ancova_is_within_four_monte_carlo_errors_of_the_exact_posterior(ancova, seed, n, mean, sd):
    own = visits(seed, n)
    draws = ancova.sample(model_data(own, mean, sd), **HOW)
    effect = draws.variables[EFFECT][..., 0]
    found = diagnose(effect, draws)
    design = np.column_stack([np.ones(n), own.baseline, own.arms[:, 0]])
    exact = exact_effect(
        own.follow_up,
        design,
        prior_mean=np.array([0, PRIORS.slope_mean, mean]),
        prior_sd=np.array([PRIORS.intercept_sd, PRIORS.slope_sd, sd]),
        sigma_scale=PRIORS.sigma_scale,
        column=2,
    )
    assert abs(effect.mean() - exact.mean) < 4 * found.mcse_mean
    assert abs(effect.std() / exact.sd - 1) < 4 / np.sqrt(2 * found.ess_tail)
    benefit = 1 - exact.cdf(0.0)
    assert abs((effect > 0).mean() - benefit) < 4 * np.sqrt(benefit * (1 - benefit) / found.ess_bulk) + 1e-4
    assert found.rhat < 1.01
    assert min(found.ess_bulk, found.ess_tail) > 1000
    assert found.divergences == 0
    assert found.bfmi > 0.3
