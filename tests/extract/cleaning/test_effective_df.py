"""Effective degrees of freedom: where they are known exactly, and the scatter of correlations of simulated noise."""

from __future__ import annotations

import numpy as np
import pytest
from noisy_recording import N, moving, recording

from neurotrial.extract import clean
from neurotrial.extract.cleaning.effective import effective_df
from neurotrial.extract.cleaning.left_over import Least
from neurotrial.extract.cleaning.operator import cleaning_operator
from neurotrial.extract.cleaning.temporal import Band

DESIGNS = [
    (strategy, band, share, n)
    for strategy in ("none", "6p", "36p")
    for band in ((0.01, 0.1), (0.01, None), (None, 0.1))
    for share in (0.0, 0.3)
    for n in (100, 200)
]
PAIRS = 20_000


@pytest.mark.parametrize("n", [3, 20, 500])
def test_independent_volumes_count_in_full(n):
    # eigenvalues in double precision, and the integral to 1e-10
    assert effective_df(np.eye(n)) == pytest.approx(n, rel=1e-8)
    assert effective_df(5 * np.eye(n)) == pytest.approx(n, rel=1e-8)


@pytest.mark.parametrize(("strategy", "regressors"), [("none", 0), ("6p", 6), ("36p", 36)])
def test_without_filter_a_regressor_costs_one(strategy, regressors):
    series, confounds = recording()
    choices = {"strategy": strategy, "tr": 2.0, "high_pass": None, "low_pass": None}
    assert clean(series, confounds, **choices, detrend=False).effective_df == pytest.approx(
        N - regressors, rel=1e-8
    )
    # a straight line costs one more
    assert clean(series, confounds, **choices).effective_df == pytest.approx(N - regressors - 1, rel=1e-8)
    assert clean(series, moving(confounds, 3, 4), **choices).effective_df == pytest.approx(
        N - regressors - 3, rel=1e-8
    )


def test_two_eigenvalues_by_their_closed_form():
    # E[x^2 / (x^2 + c y^2)] = 1 / (1 + sqrt(c)) for independent standard normal x and y
    c = 0.3
    p = 1 / (1 + np.sqrt(c))
    matrix = np.linalg.qr(np.column_stack([np.ones(3), [1.0, -1, 0], [0.0, 1, -1]]))[0][:, 1:] * [
        1,
        np.sqrt(c),
    ]
    assert effective_df(matrix) == pytest.approx(1 / (p**2 + (1 - p) ** 2) + 1, rel=1e-8)


def test_nothing_left_is_one():
    assert effective_df(np.zeros((9, 9))) == 1.0
    assert effective_df(np.ones((9, 9))) == 1.0


def operator(strategy, band, share, n):
    """Build the operator of a recording of which n volumes are retained and a share is left out here and there."""
    rng = np.random.default_rng([n, round(10 * share)])
    length = round(n / (1 - share))
    _, confounds = recording(n=length)
    out = rng.choice(np.arange(1, length - 1), length - n, replace=False)
    table = moving(confounds, *out)
    return cleaning_operator(table, strategy=strategy, band=Band(2.0, *band), least=Least(effective_df=0.0))


def scatter(found, seed, pairs):
    """Return the Fisher z of pairs of independent series of noise that passed an operator."""
    noise = np.random.default_rng(seed).standard_normal((len(found.censored), 2 * pairs))
    series = found.apply(noise)
    series -= series.mean(axis=0)
    series /= np.linalg.norm(series, axis=0)
    return np.arctanh((series[:, :pairs] * series[:, pairs:]).sum(axis=0))


@pytest.mark.parametrize(("strategy", "band", "share", "n"), DESIGNS[::5])
def test_correlations_of_noise_scatter_as_much(strategy, band, share, n):
    found = operator(strategy, band, share, n)
    assert found.n_volumes == n
    z = scatter(found, n, PAIRS)
    # the SD of 20,000 values is known to 0.5 %; 1 / sqrt(df - 3) itself leaves out 1 / df^2, below 1 % from 10 on
    assert z.std() == pytest.approx(1 / np.sqrt(found.effective_df - 3), rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("strategy", "band", "share", "n"), DESIGNS)
def test_the_variance_of_r_is_exact(strategy, band, share, n):
    found = operator(strategy, band, share, n)
    r = np.tanh(np.concatenate([scatter(found, [n, seed], PAIRS) for seed in range(10)]))
    # r^2 of 200,000 pairs: its mean has a standard error of 0.3 %, of which 36 designs take four
    assert (r**2).mean() == pytest.approx(1 / (found.effective_df - 1), rel=0.0135)
