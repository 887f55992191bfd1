"""The exact posterior against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from neurotrial.models.bayes_calibration.exact import exact_effect


def simulated(seed=4, n=44):
    rng = np.random.default_rng(seed)
    arm = (np.arange(n) < 31).astype(float)
    baseline = rng.normal(size=n)
    design = np.column_stack([np.ones(n), arm, baseline])
    return design @ [0.1, 0.4, 0.7] + rng.normal(0, 0.6, n), design


def test_flat_priors_give_students_t():
    """With flat priors of coefficients and of sigma the posterior is t on n - p - 1 degrees of freedom."""
    outcome, design = simulated()
    wide = exact_effect(
        outcome, design, prior_mean=np.zeros(3), prior_sd=np.full(3, 1e5), sigma_scale=1e5, column=1
    )
    estimate, rss, *_ = np.linalg.lstsq(design, outcome, rcond=None)
    df = len(outcome) - 3 - 1
    scale = np.sqrt(rss[0] / df * np.linalg.inv(design.T @ design)[1, 1])
    student = stats.t(df, estimate[1], scale)
    # the priors are wide, not flat: 1e-10 of the likelihood's precision is theirs
    assert wide.mean == pytest.approx(student.mean(), abs=1e-8)
    assert wide.sd == pytest.approx(student.std(), rel=1e-8)
    for probability in (0.001, 0.025, 0.5, 0.9):
        assert wide.quantile(probability) == pytest.approx(student.ppf(probability), abs=1e-8)
        assert wide.cdf(student.ppf(probability)) == pytest.approx(probability, abs=1e-8)


def test_a_prior_that_knows_everything_is_the_posterior():
    outcome, design = simulated()
    known = exact_effect(
        outcome,
        design,
        prior_mean=np.array([0, 2.0, 0]),
        prior_sd=np.array([1, 1e-6, 1]),
        sigma_scale=1,
        column=1,
    )
    assert known.mean == pytest.approx(2.0, abs=1e-8)
    assert known.sd == pytest.approx(1e-6, rel=1e-6)


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.2), (0.0, 1.0), (0.5, 0.5)])
def test_an_integral_over_two_variables_agrees(mean, sd):
    """One coefficient and sigma, on a grid of likelihood times prior."""
    outcome, design = simulated(seed=9, n=12)
    only = design[:, [1]]
    found = exact_effect(
        outcome, only, prior_mean=np.array([mean]), prior_sd=np.array([sd]), sigma_scale=1.0, column=0
    )

    effects = np.linspace(mean - 10 * sd, mean + 10 * sd, 1601)[:, None]
    sigmas = np.geomspace(0.05, 60, 1601)
    residual = outcome[:, None, None] - only[:, 0][:, None, None] * effects
    squares = (residual**2).sum(axis=0)
    log = (
        -len(outcome) * np.log(sigmas)
        - squares / (2 * sigmas**2)
        + stats.halfnorm.logpdf(sigmas)
        + np.log(sigmas)
    )
    log = log + stats.norm.logpdf(effects, mean, sd)
    weights = np.exp(log - log.max())
    weights /= weights.sum()
    centre = (weights * effects).sum()
    # the trapezoidal rule on smooth functions that vanish at both ends
    assert found.mean == pytest.approx(centre, abs=1e-9)
    assert found.sd == pytest.approx(np.sqrt((weights * (effects - centre) ** 2).sum()), abs=1e-9)
