import numpy as np
import pytest
from repeated_fixture import dense_neg2_loglik

from neurotrial.models import mmrm
from neurotrial.models.repeated_measures.likelihood import derivatives_at
from neurotrial.models.repeated_measures.named import STRUCTURES
from neurotrial.models.repeated_measures.working import Rows, working


def fitted(long, covariance, **other):
    return mmrm(
        "y ~ age + arm * visit",
        long,
        subject="who",
        visit="visit",
        covariance=covariance,
        time="week",
        **other,
    )


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("covariance", [name for name in STRUCTURES if name not in {"us", "toeph", "rs"}])
def test_likelihood_is_that_of_one_matrix_for_each_participant(long, covariance, method):
    fit = fitted(long, covariance, method=method, df="satterthwaite")
    expected = dense_neg2_loglik(
        fit.design.matrix,
        fit.long.column("y"),
        fit.long.participant,
        fit.long.level,
        fit.covariance.to_numpy(),
        reml=method == "reml",
    )
    assert fit.neg2_loglik == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("covariance", ["us", "csh", "ar1h", "ad", "sp_exp", "rs_uncorrelated"])
def test_gradient_and_hessian_are_derivatives_of_the_likelihood(long, covariance, reml):
    solution = fitted(long, covariance).inference.solution
    sums, shape = solution.working.sums, solution.structure
    theta = solution.optimum.theta * 1.05 + 0.01
    found = derivatives_at(sums, shape, theta, reml=reml)
    errors = np.sqrt(np.diag(solution.theta_vcov()[0]))
    for k in range(shape.n_parameters):
        shift = np.zeros_like(theta)
        shift[0, k] = step = 1e-5 * errors[k]
        above = derivatives_at(sums, shape, theta + shift, reml=reml)
        below = derivatives_at(sums, shape, theta - shift, reml=reml)
        slope = (above.point.neg2_loglik - below.point.neg2_loglik) / (4 * step)
        # central differences: error of order step^2, and rounding of the likelihood over the step
        assert found.gradient[0, k] == pytest.approx(slope[0], rel=1e-6, abs=1e-6 / errors[k])
        bend = (above.gradient - below.gradient)[0] / (2 * step)
        np.testing.assert_allclose(found.observed[0, k], bend, rtol=1e-6, atol=1e-6 * np.abs(bend).max())


def test_expected_information_is_the_mean_of_the_observed(make_long):
    fit = fitted(make_long(3, (40, 40), lost=0.1), "us")
    solution, rng = fit.inference.solution, np.random.default_rng(5)
    matrix = fit.design.matrix @ solution.working.basis
    covariance = solution.evaluation.covariance.matrix[0]
    n, y = int(fit.long.participant[-1]) + 1, np.zeros((len(matrix), 4000))
    errors = np.linalg.cholesky(covariance) @ rng.normal(size=(n, 4, 4000))
    y[:] = errors[fit.long.participant, fit.long.level]
    work = working(Rows(matrix, fit.long.participant, fit.long.level, 4), y)
    theta = solution.structure.parameters(covariance[None]) / work.scale[:, None] ** 2
    found = derivatives_at(work.sums, solution.structure, theta, reml=True)
    # each cell has a scale of its own; bring both to that of the covariance
    unit = work.scale[:, None, None] ** 4
    observed = (found.observed / unit).mean(axis=0)
    error = (found.observed / unit).std(axis=0) / np.sqrt(4000)
    distance = np.abs(observed - (found.expected / unit)[0]) / error
    assert (
        distance.max() < 4.5
    )  # 100 elements: the largest of as many normal deviates is beyond 4.5 once in 1,500 runs


@pytest.mark.parametrize("covariance", STRUCTURES)
def test_the_optimum_is_one(make_long, covariance):
    fit = fitted(make_long(2, (30, 20)), covariance)
    solution = fit.inference.solution
    assert fit.converged
    assert fit.gradient_norm < 1e-8
    assert solution.optimum.step_norm[0] < 1e-10
    rng = np.random.default_rng(1)
    errors = np.sqrt(np.diag(solution.theta_vcov()[0]))
    for _ in range(5):
        away = solution.optimum.theta + 0.05 * errors * rng.normal(size=errors.size)
        other = derivatives_at(solution.working.sums, solution.structure, away, reml=True)
        assert other.point.neg2_loglik[0] > solution.evaluation.point.neg2_loglik[0]
