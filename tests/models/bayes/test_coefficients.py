"""Priors of coefficients: the turn leaves the prior as it is, and takes the correlation out of the posterior."""

from __future__ import annotations

import numpy as np
import pytest

from neurotrial.models.bayes.coefficients import CoefficientPrior, turned


def prior(p=4, seed=1):
    rng = np.random.default_rng(seed)
    return CoefficientPrior(
        rng.normal(size=p), rng.uniform(0.3, 2, p), rng.normal(size=(p, p)) + 2 * np.eye(p)
    )


def information(p=4, seed=2):
    root = np.random.default_rng(seed).normal(size=(p, p + 2))
    return root @ root.T * 10


def test_the_prior_of_the_coefficients_is_that_of_the_functions():
    own = prior()
    covariance = own.root @ own.root.T
    assert own.functions @ own.location == pytest.approx(own.mean)
    assert own.functions @ covariance @ own.functions.T == pytest.approx(np.diag(own.sd**2), abs=1e-12)


def test_the_turn_leaves_the_prior_as_it_is():
    own = prior()
    found = turned(own, information())
    assert found.location == pytest.approx(own.location)
    assert found.root @ found.root.T == pytest.approx(own.root @ own.root.T, abs=1e-12)


def test_the_turned_posterior_has_no_correlation():
    """With a normal likelihood of that information the posterior precision of z is diagonal."""
    info = information()
    root = turned(prior(), info).root
    precision = np.eye(4) + root.T @ info @ root
    assert precision - np.diag(np.diag(precision)) == pytest.approx(np.zeros((4, 4)), abs=1e-8)


def test_standardised_functions_are_standard_normal():
    own = prior()
    z = np.random.default_rng(3).normal(size=(5, 4))
    coefficients = own.location + z @ own.root.T
    assert own.standardised(coefficients) == pytest.approx(z)
    drawn = own.standardised(own.draw(np.random.default_rng(4), 20_000))
    # five standard errors of a mean, a covariance and a variance
    assert np.abs(drawn.mean(axis=0)).max() < 5 / np.sqrt(20_000)
    assert np.cov(drawn.T) == pytest.approx(np.eye(4), abs=5 * np.sqrt(2 / 20_000))


def test_draws_are_those_of_the_turned_coordinates():
    own = prior()
    found = turned(own, information())
    z = np.random.default_rng(3).normal(size=(2, 3, 4))
    assert found.coefficients(z)[1, 2] == pytest.approx(found.location + found.root @ z[1, 2])


def test_a_function_may_have_another_prior():
    own = prior()
    other = own.shifted(2, 0.7, 0.1)
    assert (other.mean[2], other.sd[2]) == (0.7, 0.1)
    kept = [0, 1, 3]
    assert other.mean[kept].tolist() == own.mean[kept].tolist()
    assert other.sd[kept].tolist() == own.sd[kept].tolist()
    assert own.mean[2] != 0.7
