import numpy as np
import pytest

from neurotrial.models.repeated_measures.named import LINEAR, NEEDS_TIME, RANDOM, STRUCTURES, structure

LEVELS = ("v1", "v2", "v3", "v4")
TIMES = np.array([0.0, 2.0, 5.0, 12.0])
KINDS = [
    *((name, "natural") for name in STRUCTURES),
    *((name, "mmrm") for name in STRUCTURES if name not in RANDOM | {"id"}),
    *((name, "sas") for name in STRUCTURES if name not in LINEAR | {"ad"}),
]


def shape(name, parameters="natural", groups=()):
    times = TIMES if name in NEEDS_TIME else None
    return structure(name, LEVELS, times, groups, parameters)


def inside(made, seed):
    """Parameters, two cells, whose covariance is positive definite."""
    rng = np.random.default_rng(seed)
    lag = np.abs(np.subtract.outer(TIMES, TIMES))
    base = np.array([2.0 * np.exp(-lag / 8) + np.eye(4), 1.5 * np.exp(-lag / 20) + 0.5 * np.eye(4)])
    n = made.n_levels // 4
    theta = made.parameters(np.array([np.kron(np.eye(n), matrix) for matrix in base]))
    return theta + 0.01 * rng.normal(size=theta.shape)


@pytest.mark.parametrize(("name", "parameters"), KINDS)
@pytest.mark.parametrize("groups", [(), ("control", "cells")])
def test_derivatives_are_those_of_the_matrix(name, parameters, groups):
    made = shape(name, parameters, groups)
    theta = inside(made, 1)
    found = made.derivatives(theta)
    np.testing.assert_allclose(found.matrix, made.matrix(theta), rtol=0, atol=1e-14)
    step = 1e-5
    for k in range(made.n_parameters):
        shift = np.zeros(made.n_parameters)
        shift[k] = step * max(abs(theta[0, k]), 1)
        slope = (made.matrix(theta + shift) - made.matrix(theta - shift)) / (2 * shift[k])
        first = np.broadcast_to(found.first, (2, *found.first.shape[1:]))
        # central differences: error of order step^2 times the third derivative
        np.testing.assert_allclose(first[:, k], slope, rtol=1e-6, atol=1e-8 * np.abs(slope).max() + 1e-9)
        bend = made.derivatives(theta + shift).first - made.derivatives(theta - shift).first
        second = 0.0 if found.second is None else found.second[:, k]
        np.testing.assert_allclose(
            np.broadcast_to(bend / (2 * shift[k]), (2, *found.first.shape[1:])),
            np.broadcast_to(second, (2, *found.first.shape[1:])),
            rtol=1e-6,
            atol=1e-7,
        )


@pytest.mark.parametrize(("name", "parameters"), KINDS)
def test_parameters_of_a_matrix_give_the_matrix_back(name, parameters):
    made = shape(name, parameters)
    matrix = made.matrix(inside(made, 2))
    np.testing.assert_allclose(made.matrix(made.parameters(matrix)), matrix, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", [name for name in STRUCTURES if name not in RANDOM | {"id", "ad"}])
def test_parametrisations_describe_the_same_matrices(name):
    natural = shape(name)
    matrix = natural.matrix(inside(natural, 3))
    for parameters in ("mmrm", "sas"):
        other = shape(name, parameters)
        np.testing.assert_allclose(other.matrix(other.parameters(matrix)), matrix, rtol=1e-12, atol=1e-13)


def test_number_of_parameters():
    counts = {name: shape(name).n_parameters for name in STRUCTURES}
    assert counts == {
        "us": 10, "cs": 2, "csh": 5, "ar1": 2, "ar1h": 5, "toep": 4, "toeph": 7, "ad": 4, "adh": 7, "sp_exp": 2,
        "ri": 2, "rs": 4, "rs_uncorrelated": 3, "id": 1,
    }  # fmt: skip


def test_random_effects_are_what_they_say():
    made = shape("rs")
    theta = np.array([[4.0, 0.3, 0.2, 1.5]])
    z = np.column_stack([np.ones(4), TIMES])
    expected = z @ np.array([[4.0, 0.3], [0.3, 0.2]]) @ z.T + 1.5 * np.eye(4)
    np.testing.assert_allclose(made.matrix(theta)[0], expected, rtol=1e-15)


def test_a_structure_of_each_arm_is_block_diagonal():
    made = shape("ar1", groups=("control", "cells"))
    theta = inside(made, 4)
    matrix = made.matrix(theta)
    assert not matrix[:, :4, 4:].any()
    np.testing.assert_allclose(matrix[:, 4:, 4:], shape("ar1").matrix(theta[:, 2:]), rtol=1e-15)
    assert made.active(np.array([5, 6])) == slice(2, 4)
