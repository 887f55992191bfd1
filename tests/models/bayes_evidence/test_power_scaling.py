"""Sensitivity to powers of prior and likelihood agrees with posteriors that are known in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evidence_fixture import normal_model
from scipy import integrate, stats

from neurotrial.models.bayes_evidence.power_scaling import COMPONENTS, power_scaling

EFFECT = np.array([0.0, 0.0, 1.0])
RAISED = {"prior": ((1, 1, 1), 0), "effect prior": ((0, 0, 1), 0), "likelihood": ((0, 0, 0), 1)}
"""Which priors, and whether the likelihood."""

CASES = {
    "weak prior": ({}, "ok"),
    "conflict": ({"prior_mean": (0.5, 0, 2), "prior_sd": (2, 2, 0.3)}, "prior-data conflict"),
    "strong prior": ({"prior_sd": (2, 2, 0.05)}, "strong prior / weak likelihood"),
    "far away": ({"prior_mean": (0.5, 0, 15), "prior_sd": (2, 2, 0.3)}, "unreliable k-hat"),
}


def scaled(changes, size=4000):
    model = replace(normal_model(), **changes)
    drawn = model.exact_draws(np.random.default_rng(2), size)
    return model, drawn, power_scaling(model, drawn, model.log_likelihood(drawn), chains=4)


def moments(model, component, power):
    """Mean and SD of the effect with a component raised to a power."""
    priors, likelihood = RAISED[component]
    powers = [power if raised else 1 for raised in priors]
    mean, covariance = model.exact(powers, power if likelihood else 1)
    return EFFECT @ mean, np.sqrt(EFFECT @ covariance @ EFFECT)


def distance(one, other, ends):
    """Cumulative Jensen-Shannon distance of two normals over a range, the larger of both directions."""
    grid = np.linspace(*ends, 20_001)

    def directed(first, second):
        def area(values):
            return integrate.trapezoid(values, grid)

        middle = (first + second) / 2
        divergence = area(first * np.log2(first / middle)) + area(second * np.log2(second / middle))
        return np.sqrt(divergence / area(first + second))

    below = [np.maximum(stats.norm.cdf(grid, *each), 1e-300) for each in (one, other)]
    above = [np.maximum(stats.norm.sf(grid, *each), 1e-300) for each in (one, other)]
    return max(directed(*below), directed(*above))


@pytest.mark.parametrize("case", ["weak prior", "conflict", "strong prior"])
def test_sensitivity_and_moments_by_the_closed_form(case):
    model, drawn, found = scaled(CASES[case][0])
    ends = drawn["effect"].min(), drawn["effect"].max()
    for part, component in enumerate(COMPONENTS):
        near = [
            distance(moments(model, component, 1), moments(model, component, power), ends)
            / abs(np.log2(power))
            for power in (0.99, 1.01)
        ]
        # 4000 draws know the scale of a distribution to 1 %, its range and its tails less
        assert found.sensitivity[part, 0] == pytest.approx(np.mean(near), rel=0.08)
        for place, power in enumerate((0.8, 1, 1.25)):
            mean, sd = moments(model, component, power)
            assert found.means[part, place, 0] == pytest.approx(mean, abs=0.1 * sd)
            assert found.sds[part, place, 0] == pytest.approx(sd, rel=0.08)
    assert (found.k < 0.5).all()


@pytest.mark.parametrize(("changes", "verdict"), CASES.values(), ids=CASES)
def test_verdicts(changes, verdict):
    found = scaled(changes)[2]
    assert found.verdict(0) == verdict
    assert found.verdict(0, 1) == verdict
    assert (found.k.max() > found.limit) == (verdict == "unreliable k-hat")


def test_a_flat_prior_of_the_effect_moves_nothing():
    model, drawn, _ = scaled({}, size=400)

    class Flat(type(model)):
        def log_prior(self, parameters):
            return super().log_prior(parameters) | {"effect": np.zeros(400)}

    flat = Flat(model.observed)
    found = power_scaling(flat, drawn, flat.log_likelihood(drawn), chains=4)
    assert (found.sensitivity[1] == 0).all()
    assert (found.k[1] == -np.inf).all()
    assert found.verdict(0, 1) == "ok"
    assert found.sensitivity[0, 1] > 0


def test_a_row_for_each_target_and_component():
    frame = scaled({}, size=400)[2].tidy()
    assert frame["component"].tolist() == list(COMPONENTS) * 2
    assert frame.loc[0, "target"] == "arm: cells - control @ day90"
    assert frame.loc[0, "mean_0.8"] > frame.loc[0, "mean_1.25"]  # the prior of 0.2 lies below what was seen
    assert frame.loc[2, "verdict"] == ""
