"""The operator of a scan: one matrix for as many sets of nodes as are wanted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noisy_recording import T_R, N, moving, recording

from neurotrial.errors import InputError
from neurotrial.extract import clean
from neurotrial.extract.cleaning.cleaned import cleaned_series
from neurotrial.extract.cleaning.operator import cleaning_operator
from neurotrial.extract.cleaning.temporal import Band, temporal_matrix

BAND = Band(T_R)


def test_several_sets_of_nodes_are_cleaned_by_one_operator():
    series, confounds = recording(nodes=9)
    moved = moving(confounds, 20, 21, 100)
    operator = cleaning_operator(moved, strategy="36p", band=BAND)
    whole = clean(series, moved, strategy="36p", tr=T_R)
    for part in (slice(0, 4), slice(2, 9), [8]):
        found = cleaned_series(operator, series[:, part])
        assert np.allclose(found.series, whole.series[:, part], rtol=0, atol=1e-11)
        assert (found.effective_df, found.minutes, found.n_regressors) == (
            whole.effective_df,
            whole.minutes,
            36,
        )
        assert found.n_volumes == operator.n_volumes == N - 3


def test_a_second_cleaning_takes_nothing_more_of_the_confounds():
    series, confounds = recording()
    operator = cleaning_operator(confounds, strategy="24p", band=Band(T_R, None, None))
    once = operator.apply(series)
    assert np.allclose(operator.apply(once), once, rtol=0, atol=1e-11)
    assert np.allclose(operator.matrix, operator.matrix.T, rtol=0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(1e-3, 1e4), shift=st.floats(-1e4, 1e4), slope=st.floats(-50, 50), seed=st.integers(0, 99),
    strategy=st.sampled_from(["none", "24p", "acompcor"]),
)  # fmt: skip
def test_level_and_trend_play_no_part_and_scale_stays(scale, shift, slope, seed, strategy):
    series, confounds = recording(seed)
    operator = cleaning_operator(confounds, strategy=strategy, band=BAND)
    other = scale * series + shift + slope * np.arange(N)[:, None]
    largest = max(scale * 520, abs(shift) + N * abs(slope))
    assert np.allclose(operator.apply(other), scale * operator.apply(series), rtol=0, atol=1e-11 * largest)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 99), units=st.floats(1e-6, 1e6))
def test_units_and_copies_of_regressors_play_no_part(seed, units):
    series, confounds = recording(seed)
    expected = clean(series, confounds, strategy="6p", tr=T_R)
    other = confounds.assign(
        trans_x=units * confounds["trans_x"] + 3, rot_y=confounds["trans_z"], trans_z=0.01
    )
    same = confounds.assign(rot_y=confounds["trans_x"])
    found = clean(series, other, strategy="6p", tr=T_R)
    # the constant is none, and one stands in for another
    assert found.n_regressors == 5
    assert clean(series, same, strategy="6p", tr=T_R).n_regressors == 5
    reference = clean(series, confounds.assign(rot_y=0.01), strategy="6p", tr=T_R)
    assert np.allclose(found.series, reference.series, rtol=0, atol=1e-8)
    assert expected.n_regressors == 6


def test_temporal_matrices_are_shared_and_cannot_be_changed():
    kept = np.arange(N)
    matrix = temporal_matrix(kept, BAND)
    assert temporal_matrix(kept.copy(), Band(T_R)) is matrix
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 1.0


def test_other_series_are_refused():
    _, confounds = recording()
    operator = cleaning_operator(confounds, strategy="none", band=BAND)
    with pytest.raises(InputError, match=rf"series: has the shape \(149, 2\), \({N}, n_nodes\) is needed"):
        operator.apply(np.zeros((N - 1, 2)))
    with pytest.raises(InputError, match=r"series: has the shape \(150,\)"):
        operator.apply(np.zeros(N))
