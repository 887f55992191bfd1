"""Priors in baseline SDs as priors of log odds."""

from __future__ import annotations

import numpy as np
import pytest
from bounded_fixture import EFFECT, OTHERS, SIZE, mirrored, model, trial
from scipy import special, stats

from neurotrial.bayes_plan import NormalPrior
from neurotrial.models.bayes_scores.bounded_priors import BoundedPriors, log_odds_per_sd, membership_per_sd


def test_a_small_effect_in_log_odds_is_the_declared_one_in_points():
    centre, sd, step = 26.0, 14.0, 1e-5
    odds = special.logit(centre / SIZE) + step * np.array([-0.5, 0.5]) * log_odds_per_sd(
        sd, centre, (0, SIZE)
    )
    # a central difference: the error is of order step squared
    assert np.diff(SIZE * special.expit(odds)) == pytest.approx(step * sd, rel=1e-8)


def test_near_an_end_the_translation_stays_that_of_a_tenth_of_the_scale():
    assert log_odds_per_sd(5, 2, (0, 100)) == pytest.approx(5 / (100 * 0.09))
    assert log_odds_per_sd(5, 132, (34, 134)) == pytest.approx(5 / (100 * 0.09))
    assert membership_per_sd(5, 99, (0, 100), good=100, gain=0.5) == pytest.approx(4 * 5 / (10 * 0.5))


@pytest.mark.parametrize(("good", "room"), [(66, 40), (0, 26)])
def test_a_small_effect_on_membership_is_the_declared_one_in_points(good, room):
    sd, gain, step = 14.0, 0.55, 1e-5
    odds = step * np.array([-0.5, 0.5]) * membership_per_sd(sd, 26, (0, SIZE), good, gain)
    assert np.diff(special.expit(odds)) * gain * room == pytest.approx(step * sd, rel=1e-8)


def test_coefficients_have_the_declared_priors_translated():
    made = model("beta_binomial")
    scores = made.scores
    share = trial()["before"].mean() / SIZE
    per_sd = scores.sd / (SIZE * share * (1 - share))
    assert made.per_sd == pytest.approx(per_sd)
    assert made.prior.mean == pytest.approx(
        [special.logit(share), per_sd * OTHERS.slope.mean, per_sd * EFFECT.mean, 0]
    )
    assert made.prior.sd == pytest.approx(
        per_sd * np.array([OTHERS.intercept_sd, OTHERS.slope.sd, EFFECT.sd, OTHERS.covariate_sd])
    )


def test_an_effect_is_turned_to_the_direction_but_that_on_recovery_is_always_a_benefit():
    data = mirrored(trial())
    turned = model("beta_binomial", data, direction="lower_is_better")
    assert turned.prior.mean[2] == pytest.approx(-model("beta_binomial").prior.mean[2])
    recovering = model("recovery", data, direction="lower_is_better")
    assert recovering.prior.mean == pytest.approx(model("recovery").prior.mean)
    assert recovering.prior.mean[1] > 0


def test_an_effect_on_membership_is_never_all_or_nobody():
    assert model("recovery", effect=NormalPrior(sd=0.2)).prior.sd[1] < 2.5
    assert model("recovery", effect=NormalPrior(sd=2.0)).prior.sd[1] == 2.5


def test_floor_and_ceiling_in_two_steps_are_a_dirichlet():
    priors = BoundedPriors(ends=(1.5, 6.0, 2.5))
    (a, b), (c, d) = priors.floor_and_ceiling
    floor, ceiling = 0.13, 0.2
    written_out = stats.beta.pdf(floor, a, b) * stats.beta.pdf(ceiling, c, d)
    joint = stats.dirichlet([1.5, 6.0, 2.5]).pdf([floor, (1 - floor) * (1 - ceiling), (1 - floor) * ceiling])
    assert written_out == pytest.approx(joint * (1 - floor), rel=1e-12)


def test_default_priors_are_as_documented():
    priors = BoundedPriors()
    icc = stats.beta(*priors.overdispersion)
    assert (icc.mean(), icc.ppf(0.95)) == pytest.approx((0.17, 0.45), abs=5e-3)
    assert 50 * np.sqrt([icc.mean(), icc.ppf(0.95)]) == pytest.approx([20, 34], abs=0.6)
    assert stats.beta(*priors.recovery).std() == pytest.approx(0.14, abs=5e-3)
    assert priors.expected_gain == pytest.approx(0.7 * 5 / 6)
