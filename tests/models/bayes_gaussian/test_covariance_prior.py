"""The prior of a covariance: LKJ by its density and its marginals, half-normal SDs, the weight of the tails."""

from __future__ import annotations

import numpy as np
import pytest
from gaussian_fixture import correlations
from scipy import special, stats

from neurotrial.models.bayes_gaussian.covariance_prior import CovariancePrior

MANY = 20_000


def log_lkj_constant(size, eta):
    """Logarithm of the normalising constant of the LKJ density (their equation 16)."""
    total = 0.0
    for k in range(1, size):
        a = eta + (size - 1 - k) / 2
        total += (2 * eta - 2 + size - k) * (size - k) * np.log(2) + (size - k) * special.betaln(a, a)
    return total


@pytest.mark.parametrize(("size", "eta"), [(2, 1.0), (3, 1.0), (3, 2.5), (4, 0.7)])
def test_the_density_of_the_matrix_is_a_power_of_its_determinant(size, eta):
    prior = CovariancePrior(np.ones(size), eta)
    rng = np.random.default_rng(3)
    step = 1e-6
    below = np.tril_indices(size, -1)
    for partial in rng.uniform(-0.8, 0.8, (3, size * (size - 1) // 2)):
        moved = partial + step * np.vstack([np.eye(len(partial)), -np.eye(len(partial))])
        ends = correlations(moved, size)[:, *below]
        jacobian = (ends[: len(partial)] - ends[len(partial) :]) / (2 * step)
        both = prior.concentrations
        log_partial = stats.beta.logpdf(partial, both, both, loc=-1, scale=2).sum()
        log_matrix = log_partial - np.linalg.slogdet(jacobian)[1]
        determinant = np.linalg.slogdet(correlations(partial[None], size)[0])[1]
        expected = (eta - 1) * determinant - log_lkj_constant(size, eta)
        # differences of the matrix are good to 1e-10
        assert log_matrix == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("size", "eta"), [(2, 3.0), (4, 1.0), (4, 2.0)])
def test_every_correlation_has_the_same_beta_marginal(size, eta):
    drawn = CovariancePrior(np.ones(size), eta).draw(np.random.default_rng(4), MANY)
    both = eta + (size - 2) / 2
    law = stats.beta(both, both, loc=-1, scale=2)
    for place in zip(*np.tril_indices(size, -1), strict=True):
        values = correlations(drawn["partial"], size)[:, *place]
        # the distance is below 1.95 / root n in all but 1 of 1,000 samples
        assert stats.kstest(values, law.cdf).statistic < 1.95 / np.sqrt(MANY)


def test_draws_have_the_declared_distributions():
    prior = CovariancePrior(np.array([0.5, 2.0]), 1.0, (3.0, 0.2))
    drawn = prior.draw(np.random.default_rng(6), MANY)
    assert {name: values.shape for name, values in drawn.items()} == {
        "sd": (MANY, 2),
        "partial": (MANY, 1),
        "dof": (MANY, 1),
    }
    laws = [(drawn["sd"][:, i], stats.halfnorm(scale=scale)) for i, scale in enumerate(prior.sd)]
    laws.append((drawn["dof"][:, 0], stats.gamma(3.0, loc=2, scale=5.0)))
    for values, law in laws:
        assert stats.kstest(values, law.cdf).statistic < 1.95 / np.sqrt(MANY)


def test_the_log_density_differs_by_a_constant():
    prior = CovariancePrior(np.array([0.5, 2.0, 1.0]), 1.7, (3.0, 0.2))
    drawn = prior.draw(np.random.default_rng(6), 6)
    both = prior.concentrations
    expected = (
        stats.halfnorm.logpdf(drawn["sd"], scale=prior.sd).sum(axis=1)
        + stats.beta.logpdf(drawn["partial"], both, both, loc=-1, scale=2).sum(axis=1)
        + stats.gamma.logpdf(drawn["dof"][:, 0] - 2, 3.0, scale=5.0)
    )
    assert np.diff(prior.log_density(drawn)) == pytest.approx(np.diff(expected), rel=1e-10)


def test_one_value_has_no_correlation():
    prior = CovariancePrior(np.array([1.5]), 1.0)
    drawn = prior.draw(np.random.default_rng(1), 5)
    assert drawn["partial"].shape == (5, 0)
    assert "dof" not in drawn
    assert prior.log_density(drawn) == pytest.approx(-0.5 * (drawn["sd"][:, 0] / 1.5) ** 2)
