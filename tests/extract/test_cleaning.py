"""Cleaning of node series: what nilearn gives where it is right, and nothing from volumes that are left out."""

from __future__ import annotations

import numpy as np
import pytest
from imaged_study import CORRELATION, STROKE
from nilearn import signal
from scipy.ndimage import gaussian_filter1d

from neurotrial.extract.cleaning import clean_series
from neurotrial.extract.confounds import motion_regressors
from neurotrial.extract.network import correlations
from neurotrial.extract.scan_result import ScanFault
from neurotrial.imaging_plan import CleaningPlan
from neurotrial.simulation import bold
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.bold import simulate_node_series
from neurotrial.simulation.motion import random_motion
from neurotrial.simulation.nodes import in_node_order, sphere_voxels
from neurotrial.simulation.protocols import PRESETS

PLAN = CleaningPlan()
N, T_R = 150, 2.0
SAME = {"rtol": 0, "atol": 1e-10}
"""Some hundred operations in double precision on values of about 1."""


def recording(seed=0):
    """Return node series with memory, motion regressors that wander, and no displacement."""
    rng = np.random.default_rng(seed)
    series = gaussian_filter1d(rng.standard_normal((N, 5)), 2, axis=0)
    parameters = np.cumsum(rng.normal(0, 0.02, (N, 6)), axis=0)
    return series, motion_regressors(parameters, "24p"), np.zeros(N)


def by_nilearn(series, regressors, kept=None):
    return signal.clean(
        series, detrend=True, standardize=None, standardize_confounds=True, confounds=regressors, sample_mask=kept,
        filter="butterworth", low_pass=0.1, high_pass=0.01, t_r=T_R,
    )  # fmt: skip


def censoring(*volumes):
    displacement = np.zeros(N)
    displacement[list(volumes)] = 0.9
    return displacement


def test_without_motion_it_is_a_call_of_nilearn():
    series, regressors, displacement = recording()
    cleaned = clean_series(series, regressors, displacement, T_R, PLAN)
    assert np.array_equal(cleaned.series, by_nilearn(series.copy(), regressors.copy()))
    assert cleaned.n_volumes == N
    assert cleaned.minutes == pytest.approx(5.0)


def test_censored_volumes_are_those_that_nilearn_leaves_out():
    series, regressors, _ = recording()
    out = [10, 20, 21, 77, 90]
    cleaned = clean_series(series, regressors, censoring(*out), T_R, PLAN)
    kept = np.setdiff1d(np.arange(N), out)
    assert np.allclose(cleaned.series, by_nilearn(series.copy(), regressors.copy(), kept), **SAME)
    assert np.flatnonzero(cleaned.censored).tolist() == out
    assert cleaned.minutes == pytest.approx((N - 5) * T_R / 60)


@pytest.mark.parametrize(
    "out",
    [
        (10, 20),
        (10, N - 11),
        (N // 2 - 1, N // 2),
        (3, 4, 5, N - 4, N - 5),
        (N - 2, N - 1),
        tuple(range(140, N)),
    ],
    ids=[
        "apart",
        "mirror images in time",
        "in the middle",
        "a stretch and its mirror image",
        "the last",
        "an end",
    ],
)
def test_nothing_of_a_censored_volume_reaches_the_others(out):
    series, regressors, _ = recording()
    displacement = censoring(*out)
    before = clean_series(series, regressors, displacement, T_R, PLAN).series
    rng = np.random.default_rng(9)
    series[list(out)] += 100 * rng.standard_normal((len(out), series.shape[1]))
    regressors[list(out)] += 100 * rng.standard_normal((len(out), regressors.shape[1]))
    assert np.array_equal(clean_series(series, regressors, displacement, T_R, PLAN).series, before)


def test_volumes_after_the_last_retained_one_are_cut_off():
    series, regressors, _ = recording()
    whole = clean_series(series, regressors, censoring(*range(140, N)), T_R, PLAN).series
    cut = clean_series(series[:140], regressors[:140], np.zeros(140), T_R, PLAN).series
    assert np.allclose(whole, cut, **SAME)


def test_series_and_regressors_stay_as_they_were():
    series, regressors, _ = recording()
    copies = series.copy(), regressors.copy()
    clean_series(series, regressors, censoring(5, 6), T_R, PLAN)
    assert np.array_equal(series, copies[0])
    assert np.array_equal(regressors, copies[1])


def test_motion_is_taken_out():
    series, regressors, displacement = recording()
    moved = series + regressors[:, :6] @ np.random.default_rng(1).normal(0, 50, (6, 5))
    still, calmed = (
        clean_series(item, regressors, displacement, T_R, PLAN).series for item in (series, moved)
    )
    # the means, which are no part of a correlation, may differ; motion of some 10 units is taken out to rounding
    assert np.allclose(still - still.mean(axis=0), calmed - calmed.mean(axis=0), rtol=0, atol=1e-11)
    assert np.allclose(correlations(still), correlations(calmed), rtol=0, atol=1e-11)


def test_too_few_volumes_are_a_fault_of_the_scan():
    series, regressors, _ = recording()
    with pytest.raises(
        ScanFault, match=r"33 of 150 volumes have a framewise displacement of at most 0\.5 mm, 34 are needed"
    ):
        clean_series(series, regressors, censoring(*range(33, N)), T_R, PLAN)
    clean_series(series, regressors, censoring(*range(34, N)), T_R, PLAN)


@pytest.mark.parametrize("volumes", [33, 34])
def test_a_scan_shorter_than_the_ends_of_the_filter_is_a_fault(volumes):
    series, regressors, displacement = (item[:volumes] for item in recording())
    if volumes == 34:
        assert clean_series(series, regressors[:, :6], displacement, T_R, PLAN).n_volumes == 34
        return
    with pytest.raises(ScanFault, match=r"33 volumes .* are too few for the band-pass filter, 34 are needed"):
        clean_series(series, regressors[:, :6], displacement, T_R, PLAN)


@pytest.mark.parametrize("t_r", [5.0, 8.0])
def test_a_band_above_the_nyquist_frequency_is_a_fault(t_r):
    series, regressors, displacement = recording()
    with pytest.raises(ScanFault, match=rf"RepetitionTime: volumes every {t_r:g} s cannot show 0\.1 Hz"):
        clean_series(series, regressors, displacement, t_r, PLAN)


def test_effective_degrees_of_freedom_by_hand():
    series, regressors, displacement = recording()
    # a band of 0.09 Hz of the 0.25 Hz that volumes every 2 s show: 150 and 24, each times 0.36
    cleaned = clean_series(series, regressors, displacement, T_R, PLAN)
    assert cleaned.effective_df == pytest.approx((150 - 24) * 0.36, rel=1e-12)


def expected(truth, head, protocol):
    """Return the correlations put in, less what the noise of the voxels, of which the band keeps a part, takes off."""
    count = np.array([len(voxels) for voxels in sphere_voxels(head)])
    kept = 2 * protocol.t_r * (PLAN.low_pass - PLAN.high_pass)
    signal_share = 1 / (1 + kept * (bold._NOISE**2 + bold._ROUNDING) / count / bold._AMPLITUDE**2)
    return truth * np.sqrt(np.outer(signal_share, signal_share))


def test_correlations_put_in_are_found_again():
    protocol = PRESETS["small"].bold
    head = Anatomy().on(protocol.grid)
    truth = in_node_order(CORRELATION, str(STROKE.side))
    edges = np.triu_indices(len(truth), 1)
    z = []
    for seed in range(40):
        rng = np.random.default_rng([20261123, seed])
        motion = random_motion(protocol, rng)
        series = simulate_node_series(head, truth, motion, protocol, rng)
        regressors = motion_regressors(motion.parameters, "24p")
        cleaned = clean_series(series, regressors, np.nan_to_num(motion.fd), protocol.t_r, PLAN)
        z.append(np.arctanh(correlations(cleaned.series)[edges]))
    bias = np.mean(z, axis=0) - np.arctanh(expected(truth, head, protocol)[edges])
    # 66 edges: a t of 39 degrees of freedom is beyond 4.5 once in 200 seeds
    assert (np.abs(bias) < 4.5 * np.std(z, axis=0, ddof=1) / np.sqrt(len(z))).all()
    assert abs(bias.mean()) < 3 * np.std(np.mean(z, axis=1), ddof=1) / np.sqrt(len(z))
