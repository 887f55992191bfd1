"""The likelihood against SciPy's densities, its derivatives against differences of it."""

from __future__ import annotations

import numpy as np
import pytest
from gaussian_fixture import correlations
from scipy import stats

from neurotrial.models.bayes_gaussian.multivariate_likelihood import (
    correlation_factors,
    log_likelihood_draws,
    value_and_gradient,
)

CASES = [(size, dof) for size in (1, 2, 4) for dof in (0.0, 2.3, 9.0)]
STEP = 1e-5


def case(size, dof, n=12, p=3, seed=8):
    """Parameters and data; the patterns are: everything, nothing, and parts."""
    rng = np.random.default_rng(seed)
    patterns = (
        np.ones((1, size)) if size == 1 else np.vstack([np.ones(size), np.zeros(size), np.eye(size)[-1]])
    )
    if size > 2:
        patterns = np.vstack([patterns, [1, 0, 1, 1]])
    pattern = np.arange(n) % len(patterns)
    parameters = [
        rng.normal(size=p),
        rng.uniform(0.5, 2, size),
        rng.uniform(-0.8, 0.8, size * (size - 1) // 2),
        np.array([dof]),
    ]
    values, design = rng.normal(size=(n, size)), rng.normal(size=(n, size, p))
    hidden = patterns[pattern] == 0
    values[hidden], design[hidden] = 0.0, 0.0
    return parameters, (values, design, pattern, patterns)


def by_scipy(parameters, data):
    coefficients, sd, partial, dof = parameters
    values, design, pattern, patterns = data
    whole = correlations(partial[None], len(sd))[0] * np.outer(sd, sd)
    found = np.zeros(len(values))
    for row in range(len(values)):
        seen = np.flatnonzero(patterns[pattern[row]])
        if len(seen):
            part, residual = whole[np.ix_(seen, seen)], values[row, seen] - design[row, seen] @ coefficients
            none = np.zeros(len(seen))
            law = (
                stats.multivariate_t(none, part, dof[0]) if dof[0] else stats.multivariate_normal(none, part)
            )
            found[row] = law.logpdf(residual)
    return found


@pytest.mark.parametrize(("size", "dof"), CASES)
def test_the_density_is_scipys(size, dof):
    parameters, data = case(size, dof)
    expected = by_scipy(parameters, data)
    assert value_and_gradient(*parameters, *data)[0] == pytest.approx(expected.sum(), rel=1e-12)
    found = log_likelihood_draws(*[part[None] for part in parameters], *data)
    assert found[0] == pytest.approx(expected, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize(("size", "dof"), CASES)
def test_the_derivatives_are_those_of_the_density(size, dof):
    parameters, data = case(size, dof)
    gradient = value_and_gradient(*parameters, *data)[1:]
    assert [part.shape for part in gradient] == [part.shape for part in parameters]
    for which, part in enumerate(parameters[: 4 if dof else 3]):
        for place in range(len(part)):
            ends = []
            for sign in (1, -1):
                moved = [other.copy() for other in parameters]
                moved[which][place] += sign * STEP
                ends.append(by_scipy(moved, data).sum())
            # central differences: an error of the third derivative times 1e-10, and rounding over 1e-5
            difference = (ends[0] - ends[1]) / (2 * STEP)
            assert gradient[which][place] == pytest.approx(difference, rel=1e-6, abs=1e-6)


def test_what_is_missing_is_never_read():
    parameters, data = case(4, 0.0)
    values, design, pattern, patterns = data
    hidden = patterns[pattern] == 0
    dirty, strange = values.copy(), design.copy()
    dirty[hidden], strange[hidden] = np.nan, 1e9
    for clean, other in zip(
        value_and_gradient(*parameters, *data),
        value_and_gradient(*parameters, dirty, strange, pattern, patterns),
        strict=True,
    ):
        np.testing.assert_array_equal(clean, other)


def test_partial_correlations_are_those_that_the_matrix_has():
    """The partial correlation of i and j given all before j, from the inverse of their joint correlation matrix."""
    partial = np.random.default_rng(1).uniform(-0.9, 0.9, (5, 10))
    factors = correlation_factors(partial, 5)
    found = factors @ np.swapaxes(factors, 1, 2)
    assert np.diagonal(found, axis1=1, axis2=2) == pytest.approx(1.0, abs=1e-15)
    for place, (i, j) in enumerate(zip(*np.tril_indices(5, -1), strict=True)):
        among = [*range(j), j, i]
        inverse = np.linalg.inv(found[:, among][:, :, among])
        expected = -inverse[:, -2, -1] / np.sqrt(inverse[:, -2, -2] * inverse[:, -1, -1])
        assert partial[:, place] == pytest.approx(expected, rel=1e-11)


def test_a_correlation_of_one_has_no_density():
    parameters, data = case(2, 0.0)
    parameters[2][:] = 1.0
    assert not np.isfinite(value_and_gradient(*parameters, *data)[0])
