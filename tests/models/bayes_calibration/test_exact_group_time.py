"""The exact posterior of group x time against the marginal density written out, closed forms, and a finer grid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from visits_fixture import EFFECT, PRIORS, visits

from neurotrial.bayes_plan import NormalPrior
from neurotrial.models.bayes_calibration import exact_group_time as module
from neurotrial.models.bayes_calibration.exact_group_time import exact_group_time, pair_model


def test_the_coefficients_are_integrated_out_as_in_a_multivariate_normal():
    """With normal priors of coefficients all values together are normal: mean X m, covariance X S X' + Sigma."""
    data = visits()
    model = pair_model(data, EFFECT, PRIORS)
    n = len(data.baseline)
    one, none = np.ones((n, 1)), np.zeros((n, 5))
    design = np.vstack(
        [
            np.hstack([one, data.arms, none]),
            np.hstack([one, data.arms, one, data.arms, data.covariates]),
        ]
    )
    values = np.concatenate([data.baseline, data.follow_up])
    points = np.array([[0.1, -0.2, 0.4], [-0.5, 0.3, -0.8], [0.7, 0.7, 1.5]])

    def written_out(point):
        sds, rho = np.exp(point[:2]), np.tanh(point[2])
        pair = np.array([[sds[0] ** 2, rho * sds.prod()], [rho * sds.prod(), sds[1] ** 2]])
        covariance = design @ np.diag(model.prior_sd**2) @ design.T + np.kron(pair, np.eye(n))
        prior = stats.halfnorm.logpdf(sds, scale=0.9).sum() + stats.beta.logpdf((1 + rho) / 2, 3, 3)
        jacobian = point[:2].sum() + np.log(1 - rho**2)
        normal = stats.multivariate_normal(design @ model.prior_mean, covariance).logpdf(values)
        return normal + prior + jacobian

    found = model.conditional(points)[0]
    expected = np.array([written_out(point) for point in points])
    # linear algebra of 24 values and 8 coefficients in double precision
    assert np.diff(found) == pytest.approx(np.diff(expected), rel=1e-10)


def test_wide_priors_give_the_difference_in_mean_change():
    """Both visits have the same arms, so that generalised least squares are those of each visit, whatever the covariance."""
    data = visits(n=30, n_compared=1, n_covariates=0)
    flat = PRIORS.model_copy(update={"intercept_sd": 1e4, "imbalance_sd": 1e4})
    wide = NormalPrior.model_construct(mean=0.0, sd=1e4)
    found = exact_group_time(pair_model(data, wide, flat))
    change = data.follow_up - data.baseline
    treated = data.arms[:, 0] > 0
    # 1e-8 of the information is the priors'
    assert found.mean == pytest.approx(change[treated].mean() - change[~treated].mean(), rel=1e-7)


def test_a_finer_and_wider_grid_changes_nothing(monkeypatch):
    model = pair_model(visits(n=30, n_compared=1, n_covariates=0), EFFECT, PRIORS)
    found = exact_group_time(model)
    monkeypatch.setattr(module, "_NODES", 65)
    monkeypatch.setattr(module, "_REACH", 10.0)
    finer = exact_group_time(model)
    # the trapezoidal rule converges faster than any power of the step; the tails beyond 9 SDs are left out
    assert found.mean == pytest.approx(finer.mean, abs=1e-8)
    assert found.sd == pytest.approx(finer.sd, abs=1e-8)
    assert found.cdf(0.0) == pytest.approx(finer.cdf(0.0), abs=1e-8)
