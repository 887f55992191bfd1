"""Edges and lags: NumPy, nilearn, and series whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from nilearn.connectome import ConnectivityMeasure
from sklearn.covariance import EmpiricalCovariance, LedoitWolf

from neurotrial.errors import InputError
from neurotrial.extract import edges, fisher_z, node_lags


@pytest.fixture(scope="module")
def series():
    rng = np.random.default_rng(2)
    return rng.standard_normal((90, 6)) @ np.linalg.cholesky(0.5 * np.eye(6) + 0.5).T


def test_pearson_is_not_shrunk(series):
    assert np.allclose(edges(series), np.corrcoef(series.T), rtol=0, atol=1e-13)
    measure = ConnectivityMeasure(EmpiricalCovariance(), kind="correlation", standardize=False)
    assert np.allclose(edges(series), measure.fit_transform([series])[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "theirs"), [("ledoit_wolf", "correlation"), ("partial", "partial correlation")]
)
def test_the_others_are_nilearns(series, kind, theirs):
    measure = ConnectivityMeasure(LedoitWolf(store_precision=False), kind=theirs, standardize=False)
    assert np.allclose(edges(series, kind), measure.fit_transform([series])[0], rtol=0, atol=1e-12)


def test_shrinkage_depends_on_the_number_of_volumes(series):
    long, short = edges(series, "ledoit_wolf"), edges(series[:25], "ledoit_wolf")
    plain = [edges(own) for own in (series, series[:25])]
    off = np.triu_indices(6, 1)
    assert (long[off] / plain[0][off]).mean() > (short[off] / plain[1][off]).mean()


def test_tangent_needs_a_group(series):
    group = [series, series[::-1] * 2, np.roll(series, 3, axis=1)]
    measure = ConnectivityMeasure(LedoitWolf(store_precision=False), kind="tangent", standardize=False)
    assert np.allclose(edges(group, "tangent"), measure.fit_transform(group))
    with pytest.raises(InputError, match="tangent compares each scan with the mean of a group"):
        edges(series, "tangent")
    with pytest.raises(InputError, match="tangent needs every node in every scan"):
        edges([series, np.where(np.arange(6) == 2, np.nan, series)], "tangent")


@pytest.mark.parametrize("lost", [np.nan, 3.0])
def test_a_node_without_a_series_has_no_edges_and_the_others_keep_theirs(series, lost):
    own = series.copy()
    own[:, 2] = lost
    r = edges(own)
    left = [0, 1, 3, 4, 5]
    assert np.isnan(r[2]).all()
    assert np.isnan(r[:, 2]).all()
    assert np.array_equal(r[np.ix_(left, left)], edges(series[:, left]))


def test_what_is_no_series_is_refused():
    with pytest.raises(InputError, match="at least 3 volumes by nodes are needed"):
        edges(np.zeros((2, 4)))
    with pytest.raises(InputError, match="is no measure of dependence"):
        edges(np.zeros((20, 4)), "spearman")


def test_a_perfect_correlation_has_a_finite_z():
    assert fisher_z([1.0, -1.0]).tolist() == pytest.approx([8.4056213, -8.4056213], rel=1e-7)


def waves(shifts, n=300, tr=2.0, seed=1):
    """Return band-limited noise that comes later by some seconds, each column."""
    rng = np.random.default_rng(seed)
    fine = np.fft.rfft(rng.standard_normal(40 * n))
    hertz = np.fft.rfftfreq(40 * n, tr / 20)
    fine[(hertz < 0.01) | (hertz > 0.1)] = 0
    whole = np.fft.irfft(fine)
    start = 10 * n
    places = start + 20 * np.arange(n)
    return np.column_stack([whole[places - round(20 * shift / tr)] for shift in shifts])


@pytest.mark.parametrize("shift", [-4.0, -1.2, 0.0, 0.7, 3.0, 6.0])
def test_a_shifted_series_has_its_lag(shift):
    series = waves([shift, 0.0])
    # a parabola through three points of a smooth peak
    assert node_lags(series[:, :1], series[:, 1], 2.0)[0] == pytest.approx(shift, abs=0.1)


def test_volumes_that_are_left_out_do_not_move_a_lag():
    series = waves([1.5, 0.0])
    series[np.random.default_rng(0).choice(300, 60, replace=False)] = np.nan
    assert node_lags(series[:, :1], series[:, 1], 2.0)[0] == pytest.approx(1.5, abs=0.3)


def test_what_does_not_follow_has_no_lag():
    series = waves([0.0])
    other = waves([0.0], seed=9)
    assert np.isnan(node_lags(-series, series[:, 0], 2.0, max_lag_s=2.0)[0])
    assert np.isnan(node_lags(other, series[:, 0], 2.0, least_r=0.5)[0])
    assert np.isnan(node_lags(waves([20.0]), series[:, 0], 2.0, least_r=0.5)[0])
