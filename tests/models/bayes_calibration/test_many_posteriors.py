"""Posteriors of many trials at once against those one by one."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.bayes_plan import EffectPriors, NormalPrior, NuisancePriors
from neurotrial.models.bayes.standardised import TwoVisits
from neurotrial.models.bayes_calibration.exact import exact_ancova
from neurotrial.models.bayes_calibration.exact_group_time import exact_group_time, pair_model
from neurotrial.models.bayes_calibration.generators import simulate_trials
from neurotrial.models.bayes_calibration.many_posteriors import ancova_mixtures, group_time_mixtures
from neurotrial.models.bayes_calibration.scenarios import SCENARIOS

PRIORS = NuisancePriors()
FAR = NormalPrior(mean=2.0, sd=0.2)


def several(name, n, seed=1):
    trials = simulate_trials(SCENARIOS[name], n, np.random.SeedSequence(seed))
    return trials.baseline[:, :, 0], trials.follow_up[:, :, 0], trials.treated


def one(before, after, treated):
    return TwoVisits(before, after, treated[:, None].astype(float), np.empty((len(treated), 0)))


@pytest.mark.parametrize("prior", [EffectPriors().sceptical, EffectPriors().neutral, FAR])
@pytest.mark.parametrize("name", ["medium_effect", "no_effect_heavy_tails"])
def test_analysis_of_covariance(name, prior):
    before, after, treated = several(name, 4)
    found = ancova_mixtures(before, after, treated, prior, PRIORS)
    low, below = found.quantile(0.025), found.cdf(np.zeros(4))
    for i in range(4):
        exact = exact_ancova(one(before[i], after[i], treated), prior, PRIORS)
        # the trapezoidal rule is at rounding error with either number of nodes
        assert found.mean[i] == pytest.approx(exact.mean, abs=1e-11)
        assert found.sd[i] == pytest.approx(exact.sd, abs=1e-11)
        assert low[i] == pytest.approx(exact.quantile(0.025), abs=1e-11)
        assert below[i] == pytest.approx(exact.cdf(0.0), abs=1e-11)


@pytest.mark.parametrize(("prior", "tolerance"), [(EffectPriors().neutral, 1e-5), (FAR, 1e-4)])
def test_group_by_time(prior, tolerance):
    before, after, treated = several("medium_effect", 1)
    found = group_time_mixtures(before, after, treated, prior, PRIORS)
    exact = exact_group_time(pair_model(one(before[0], after[0], treated), prior, PRIORS))
    assert found.mean[0] == pytest.approx(exact.mean, abs=tolerance)
    assert found.quantile(0.975)[0] == pytest.approx(exact.quantile(0.975), abs=tolerance)
    assert found.cdf(np.zeros(1))[0] == pytest.approx(exact.cdf(0.0), abs=tolerance)
