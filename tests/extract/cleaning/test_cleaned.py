"""Cleaning of node series: nothing from volumes that are left out, nodes without a series, and scans of which too little is left."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from imaged_study import CORRELATION, STROKE
from noisy_recording import T_R, N, moving, recording

from neurotrial.errors import InputError
from neurotrial.extract import clean
from neurotrial.extract.scan_result import ScanFault
from neurotrial.simulation import bold
from neurotrial.simulation.anatomy import Anatomy
from neurotrial.simulation.bold import simulate_node_series
from neurotrial.simulation.confounds import confounds_table
from neurotrial.simulation.motion import random_motion
from neurotrial.simulation.nodes import in_node_order, sphere_voxels
from neurotrial.simulation.protocols import PRESETS

SAME = {"rtol": 0, "atol": 1e-10}
"""Some hundred operations in double precision on values of about 1."""


def cleaned(series, confounds, **choices):
    return clean(series, confounds, **{"strategy": "24p", "tr": T_R} | choices)


def test_what_is_left_is_told():
    series, confounds = recording()
    found = cleaned(series, moving(confounds, 10, 20))
    assert found.n_volumes == len(found.series) == N - 2
    assert found.minutes == pytest.approx((N - 2) * T_R / 60)
    assert np.flatnonzero(found.censored).tolist() == [10, 20]
    assert (found.n_regressors, found.strategy, found.note) == (24, "24p", "")
    assert found.reasons == ("",) * 5


@pytest.mark.parametrize(
    "out",
    [
        (10, 20),
        (10, N - 11),
        (N // 2 - 1, N // 2),
        (3, 4, 5, N - 4, N - 5),
        (N - 2, N - 1),
        (0, 1, 2),
        tuple(range(140, N)),
    ],
    ids=[
        "apart",
        "mirror images in time",
        "in the middle",
        "a stretch and its mirror image",
        "the last",
        "the first",
        "an end",
    ],
)
def test_nothing_of_a_censored_volume_reaches_the_others(out):
    series, confounds = recording()
    moved = moving(confounds, *out)
    before = cleaned(series, moved, strategy="6p").series
    rng = np.random.default_rng(9)
    series[list(out)] += 100 * rng.standard_normal((len(out), series.shape[1]))
    moved.iloc[list(out), :6] += rng.standard_normal((len(out), 6))
    assert np.array_equal(cleaned(series, moved, strategy="6p").series, before)


def test_volumes_after_the_last_retained_one_are_cut_off():
    series, confounds = recording()
    whole = cleaned(series, moving(confounds, *range(140, N))).series
    assert np.allclose(whole, cleaned(series[:140], confounds[:140]).series, **SAME)


def test_arguments_stay_as_they_were():
    series, confounds = recording()
    confounds.attrs["file"] = "confounds.tsv"
    copies = series.copy(), confounds.copy()
    cleaned(series, confounds)
    assert np.array_equal(series, copies[0])
    pd.testing.assert_frame_equal(confounds, copies[1])


def test_motion_is_taken_out():
    series, confounds = recording()
    moved = series + confounds.iloc[:, :6].to_numpy() @ np.random.default_rng(1).normal(0, 50, (6, 5))
    still, calmed = (cleaned(item, confounds).series for item in (series, moved))
    # the means, which are no part of a correlation, may differ; motion of some 10 units is taken out to rounding
    assert np.allclose(still - still.mean(axis=0), calmed - calmed.mean(axis=0), rtol=0, atol=1e-10)


def test_series_may_be_a_frame_or_have_their_array_as_an_attribute():
    series, confounds = recording()

    class Nodes:
        pass

    nodes = Nodes()
    nodes.series = series
    expected = cleaned(series, confounds).series
    assert np.array_equal(cleaned(nodes, confounds).series, expected)
    assert np.array_equal(cleaned(pd.DataFrame(series), confounds).series, expected)


def test_confounds_may_be_a_file_or_none(tmp_path):
    series, confounds = recording()
    confounds.to_csv(tmp_path / "confounds.tsv", sep="\t", na_rep="n/a", index=False)
    from_file = cleaned(series, str(tmp_path / "confounds.tsv")).series
    assert np.allclose(from_file, cleaned(series, confounds).series, **SAME)
    bare = cleaned(series, None, strategy="none", fd_threshold=None)
    assert np.array_equal(bare.series, cleaned(series, confounds, strategy="none").series)
    with pytest.raises(
        ScanFault, match="confounds: lacks the column framewise_displacement, which a threshold"
    ):
        cleaned(series, None, strategy="none")


def test_a_table_as_it_stands_in_its_file_is_enough(tmp_path):
    series, confounds = recording()
    confounds.rename(columns={"trans_x": "X", "framewise_displacement": "FramewiseDisplacement"}).to_csv(
        tmp_path / "confounds.tsv", sep="\t", na_rep="n/a", index=False
    )
    plain = pd.read_csv(
        tmp_path / "confounds.tsv", sep="\t", dtype="str", keep_default_na=False, na_values=["n/a"]
    )
    assert np.allclose(cleaned(series, plain).series, cleaned(series, confounds).series, **SAME)
    numbers = plain.astype("float64")
    assert np.array_equal(cleaned(series, numbers).series, cleaned(series, plain).series)
    plain.loc[12, "rot_z"] = "?"
    with pytest.raises(ScanFault, match=r"confounds: has cells that are no numbers: rot_z \(row 12: '\?'\)"):
        cleaned(series, plain)


def test_a_node_without_a_series_is_missing_and_the_others_are_not():
    series, confounds = recording()
    expected = cleaned(series, confounds).series
    broken = np.column_stack(
        [series, np.full(N, np.nan), np.full(N, 512.3), confounds["trans_x"], series[:, 0]]
    )
    broken[20:60, -1] = np.inf
    found = cleaned(broken, confounds)
    assert np.allclose(found.series[:, :5], expected, **SAME)
    assert np.isnan(found.series[:, 5:]).all()
    assert found.reasons[5:] == (
        "not finite in 150 of 150 retained volumes",
        "constant",
        "filter and regression leave nothing of it",
        "not finite in 40 of 150 retained volumes",
    )


def test_a_volume_without_numbers_is_left_out():
    series, confounds = recording()
    expected = cleaned(series, moving(confounds, 30, 99)).series
    series[30] = np.nan
    series[99, 2] = -np.inf
    found = cleaned(series, confounds)
    assert np.array_equal(found.series, expected)
    assert found.reasons == ("",) * 5


def test_every_volume_above_the_threshold_is_a_fault():
    series, confounds = recording()
    with pytest.raises(
        ScanFault,
        match=r"motion: all 150 volumes are left out: none has a framewise displacement of at most 0\.01 mm and a standardised DVARS of at most 0\.5",
    ):
        cleaned(series, confounds.fillna(9), fd_threshold=0.01, dvars_threshold=0.5)


def test_too_few_minutes_are_a_fault():
    series, confounds = recording()
    moved = moving(confounds, *range(0, N, 3))
    with pytest.raises(
        ScanFault,
        match=r"motion: 100 of 150 volumes have .* 0\.5 mm: 3\.3 min, at least 4 are needed \(remedy: lower",
    ):
        cleaned(series, moved, min_minutes=4.0)
    assert cleaned(series, moved, min_minutes=3.3).n_volumes == 100


def test_too_few_degrees_of_freedom_are_a_fault():
    series, confounds = recording()
    moved = moving(confounds, *range(60, N))
    rule = r"motion: 60 of 150 volumes have a framewise displacement of at most 0\.5 mm, of which the filter and 24 regressors leave \d\.\d effective"
    with pytest.raises(
        ScanFault, match=rule + r" degrees of freedom; at least 10 are needed \(remedy: .* 6p"
    ):
        cleaned(series, moved)
    assert cleaned(series, moved, strategy="6p").effective_df > 10
    assert cleaned(series, moved, min_effective_df=1.0).effective_df < 10


def test_more_regressors_than_volumes_leave_one_degree_of_freedom():
    series, confounds = recording()
    few = moving(confounds, *range(24, N))
    found = cleaned(series, few, high_pass=None, low_pass=None, min_effective_df=0.0)
    assert found.effective_df == 1.0
    assert np.isnan(found.series).all()


@pytest.mark.parametrize("volumes", [2, 33, 34])
def test_a_scan_shorter_than_the_ends_of_the_filter_is_a_fault(volumes):
    series, confounds = recording()
    choices = {"strategy": "6p", "min_effective_df": 0.0}
    if volumes == 34:
        assert cleaned(series[:34], confounds[:34], **choices).n_volumes == 34
        return
    with pytest.raises(
        ScanFault,
        match=rf"volumes: {volumes} of {volumes} .*; {volumes} from .* too few for the filter, 34 are needed",
    ):
        cleaned(series[:volumes], confounds[:volumes], **choices)


@pytest.mark.parametrize(("high_pass", "low_pass", "needed"), [(0.01, None, 19), (None, 0.1, 19)])
def test_the_ends_of_other_filters(high_pass, low_pass, needed):
    series, confounds = recording()
    band = {"strategy": "none", "high_pass": high_pass, "low_pass": low_pass, "min_effective_df": 0.0}
    cleaned(series[:needed], confounds[:needed], **band)
    with pytest.raises(
        ScanFault, match=rf"{needed - 1} from .* are too few for the filter, {needed} are needed"
    ):
        cleaned(series[: needed - 1], confounds[: needed - 1], **band)


@pytest.mark.parametrize("tr", [5.0, 8.0])
def test_a_band_above_the_nyquist_frequency_is_a_fault(tr):
    series, confounds = recording()
    with pytest.raises(
        ScanFault, match=rf"RepetitionTime: volumes every {tr:g} s cannot show 0\.1 Hz .* low_pass"
    ):
        cleaned(series, confounds, tr=tr)
    with pytest.raises(ScanFault, match=r"cannot show 0\.2 Hz .* high_pass"):
        cleaned(series, confounds, tr=tr, high_pass=0.2, low_pass=None)


@pytest.mark.parametrize("tr", [0.0, -2.0, 2000.0, np.nan, None, "2"])
def test_a_repetition_time_that_is_none_is_a_fault(tr):
    series, confounds = recording()
    with pytest.raises(ScanFault, match=rf"RepetitionTime: is {tr} \(remedy: give it in seconds, above 0\)"):
        cleaned(series, confounds, tr=tr)


@pytest.mark.parametrize("band", [(0.1, 0.01), (0.05, 0.05), (-0.01, 0.1), (0.0, 0.1)])
def test_a_band_that_is_none_is_a_fault(band):
    series, confounds = recording()
    with pytest.raises(ScanFault, match=r"high_pass .* and low_pass .* are no band"):
        cleaned(series, confounds, high_pass=band[0], low_pass=band[1])


def test_confounds_of_another_scan_are_a_fault():
    series, confounds = recording()
    confounds.attrs["file"] = "sub-01_desc-confounds_timeseries.tsv"
    with pytest.raises(
        ScanFault, match=r"sub-01_desc-confounds_timeseries\.tsv: has 150 rows, the series have 149 volumes"
    ):
        cleaned(series[:-1], confounds)


@pytest.mark.parametrize("shape", [(N,), (N, 0), (0, 5), (N, 5, 1)])
def test_series_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match="series: has the shape"):
        cleaned(np.zeros(shape), recording()[1])


def test_an_unknown_strategy_is_refused():
    series, confounds = recording()
    with pytest.raises(InputError, match="strategy: is '9p'\n  remedy: use one of none, 6p, 24p, "):
        cleaned(series, confounds, strategy="9p")


def expected(truth, head, protocol):
    """Return the correlations put in, less what the noise of the voxels, of which the band keeps a part, takes off."""
    count = np.array([len(voxels) for voxels in sphere_voxels(head)])
    kept = 2 * protocol.t_r * (0.1 - 0.01)
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
        found = cleaned(series, confounds_table(motion), tr=protocol.t_r).series
        z.append(np.arctanh(np.corrcoef(found, rowvar=False)[edges]))
    bias = np.mean(z, axis=0) - np.arctanh(expected(truth, head, protocol)[edges])
    # 66 edges: a t of 39 degrees of freedom is beyond 4.5 once in 200 seeds
    assert (np.abs(bias) < 4.5 * np.std(z, axis=0, ddof=1) / np.sqrt(len(z))).all()
    assert abs(bias.mean()) < 3 * np.std(np.mean(z, axis=1), ddof=1) / np.sqrt(len(z))
