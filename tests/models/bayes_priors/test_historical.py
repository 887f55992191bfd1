"""From published arms to the prior of the reference arm: units, closed forms, limits, and what a conflict does."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.bayes_plan import HistoricalControls, PublishedArm
from neurotrial.errors import InputError
from neurotrial.models.bayes_priors.historical import historical_prior, posterior_mixture, power_prior
from neurotrial.models.bayes_priors.meta_analytic import approximated, map_prior

ARMS = [
    PublishedArm(source="Trial A", n=40, mean_change=9.0, sd_change=14.0),
    PublishedArm(source="Trial B", n=25, mean_change=6.0, sd_change=12.0),
]
BASELINE_SD = 20.0


def controls(arms=ARMS, **choices):
    return HistoricalControls(outcome="score", **({"method": "map", "arms": arms} | choices))


def prior(**choices):
    return historical_prior(controls(**choices), baseline_sd=BASELINE_SD, vague_sd=2.0)


def test_numbers_are_in_baseline_sds():
    found = prior(robust_weight=1.0, tau_scale=0.3)
    means, errors = np.array([0.45, 0.3]), np.array([14 / 40**0.5, 12 / 5]) / 20
    expected = approximated(map_prior(means, errors, tau_scale=0.3))
    assert found.mixture.means == pytest.approx(expected.mixture.means, rel=1e-12)
    assert found.mixture.sds == pytest.approx(expected.mixture.sds, rel=1e-12)
    assert (found.divergence, found.cdf_error) == pytest.approx(
        (expected.divergence, expected.cdf_error), rel=1e-9
    )
    assert found.sources == ("Trial A", "Trial B")
    assert found.n == 65


def test_another_unit_of_the_outcome_is_the_same_prior():
    tenfold = [
        arm.model_copy(update={"mean_change": 10 * arm.mean_change, "sd_change": 10 * arm.sd_change})
        for arm in ARMS
    ]
    other = historical_prior(controls(tenfold), baseline_sd=10 * BASELINE_SD, vague_sd=2.0)
    own = prior()
    assert other.mixture.means == pytest.approx(own.mixture.means, rel=1e-10)
    assert other.ess == pytest.approx(own.ess, rel=1e-10)


def test_a_full_power_prior_is_the_pooled_mean():
    found = prior(method="power", power=1.0, robust_weight=1.0)
    precisions = np.array([40 / 14**2, 25 / 12**2])
    pooled = precisions @ [9.0, 6.0] / precisions.sum()
    assert found.mixture.mean == pytest.approx(pooled / 20, rel=1e-12)
    assert found.mixture.sd == pytest.approx(precisions.sum() ** -0.5 / 20, rel=1e-12)
    assert (found.divergence, found.cdf_error) == (0, 0)


def test_one_arm_with_full_power_is_worth_its_participants():
    found = prior(arms=ARMS[:1], method="power", power=1.0, robust_weight=1.0)
    assert (found.mixture.mean, found.mixture.sd) == pytest.approx((0.45, 0.7 / 40**0.5), rel=1e-12)
    assert found.ess == pytest.approx(40, rel=1e-10)
    assert found.ess_moment == pytest.approx(40, rel=1e-10)


@pytest.mark.parametrize("power", [0.1, 0.5])
def test_a_discount_makes_participants_count_less(power):
    full, part = (
        prior(arms=ARMS[:1], method="power", power=value, robust_weight=1.0) for value in (1.0, power)
    )
    assert part.mixture.mean == pytest.approx(full.mixture.mean, rel=1e-12)
    assert part.ess == pytest.approx(power * full.ess, rel=1e-10)


def test_each_arm_may_have_its_discount():
    found = power_prior(np.array([1.0, 3.0]), np.array([0.5, 0.5]), discount=np.array([1.0, 0.25]))
    assert (found.mean, found.sd) == pytest.approx((1.4, 5**-0.5), rel=1e-12)


def test_without_spread_between_trials_both_methods_agree():
    pooled = prior(method="power", power=1.0)
    found = prior(tau_scale=1e-6)
    assert found.mixture.means == pytest.approx(pooled.mixture.means, abs=1e-8)
    assert found.mixture.sds == pytest.approx(pooled.mixture.sds, rel=1e-8)


def test_the_vague_component_is_the_prior_without_published_arms():
    found = prior(robust_weight=0.7)
    assert (found.mixture.weights[-1], found.mixture.means[-1], found.mixture.sds[-1]) == pytest.approx(
        (0.3, 0, 2)
    )
    assert found.ess < prior(robust_weight=1.0).ess


def test_a_conflict_lets_the_vague_component_take_over():
    found = prior(tau_scale=0.1)
    agreeing, contrary = (posterior_mixture(found.mixture, value, 0.15) for value in (0.4, 3.0))
    assert agreeing.weights[-1] < 0.1
    assert contrary.weights[-1] > 0.9
    # shrunk by 1 / (1 + 0.15**2 / 4) only
    assert contrary.mean == pytest.approx(3.0, abs=0.1)


def test_a_row_for_each_component():
    found = prior()
    table = found.tidy()
    assert list(table["component"]) == ["published"] * (len(table) - 1) + ["vague"]
    assert table["weight"].sum() == pytest.approx(1)
    assert table["mean_change"].to_numpy() == pytest.approx(20 * found.mixture.means)
    assert set(table["sources"]) == {"Trial A; Trial B"}
    assert set(prior(robust_weight=1.0).tidy()["component"]) == {"published"}


@pytest.mark.parametrize("name", ["baseline_sd", "vague_sd"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, np.nan])
def test_a_scale_that_is_none_is_refused(name, value):
    with pytest.raises(InputError, match=name):
        historical_prior(controls(), **({"baseline_sd": 1.0, "vague_sd": 2.0} | {name: value}))
