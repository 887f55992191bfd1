"""Volumes that are left out: by motion, by the marks of the table, and for want of numbers."""

from __future__ import annotations

from pathlib import Path

import nilearn
import numpy as np
import pandas as pd
import pytest
from nilearn.interfaces.fmriprep.load_confounds_scrub import optimize_scrub
from noisy_recording import N, moving, recording

from neurotrial.extract import read_confounds
from neurotrial.extract.cleaning.censoring import Censoring, censored_volumes, lost_volumes
from neurotrial.extract.cleaning.columns import PARAMETERS
from neurotrial.extract.cleaning.head_motion import displacement_of, framewise_displacement
from neurotrial.extract.scan_result import ScanFault
from neurotrial.simulation.motion import framewise_displacement as simulated_displacement

FOLDER = Path(nilearn.__file__).parent / "interfaces" / "fmriprep" / "data"
REAL = "test-v21_desc-confounds_timeseries.tsv"


def out(confounds, lost=None, **choices):
    return np.flatnonzero(censored_volumes(confounds, Censoring(**choices), lost)).tolist()


def test_a_volume_at_the_threshold_is_retained():
    _, confounds = recording()
    confounds.loc[[3, 4, 5], "framewise_displacement"] = [0.5, np.nextafter(0.5, 1), 3.0]
    confounds.loc[[7, 8], "std_dvars"] = [1.5, 1.6]
    assert out(confounds) == [4, 5]
    assert out(confounds, dvars_threshold=1.5) == [4, 5, 8]
    assert out(confounds, fd_threshold=None) == []
    assert out(confounds, fd_threshold=0.09) == list(range(1, N))


def test_neighbours_go_with_a_volume_and_not_beyond_the_ends():
    _, confounds = recording()
    moved = moving(confounds, 0, 50, 52, 149)
    assert out(moved, before=1) == [0, 49, 50, 51, 52, 148, 149]
    assert out(moved, after=2) == [0, 1, 2, 50, 51, 52, 53, 54, 149]
    assert out(moved, before=1, after=2) == [0, 1, 2, 49, 50, 51, 52, 53, 54, 148, 149]


def test_short_stretches_go_too():
    _, confounds = recording()
    moved = moving(confounds, 3, 50, 54, 60, 146)
    assert out(moved, shortest=3) == [3, 50, 54, 60, 146]
    assert out(moved, shortest=4) == [0, 1, 2, 3, 50, 51, 52, 53, 54, 60, *range(146, 150)]


@pytest.mark.parametrize("seed", range(20))
def test_stretches_are_those_that_nilearn_leaves_out(seed):
    _, confounds = recording()
    volumes = np.flatnonzero(np.random.default_rng(seed).random(N) < 0.2)
    expected = optimize_scrub(volumes, N, 5)
    assert out(moving(confounds, *volumes), shortest=5) == sorted(expected)


def test_marked_and_lost_volumes_are_left_out_without_a_threshold():
    _, confounds = recording()
    confounds["non_steady_state_outlier00"] = np.arange(N) == 0
    confounds["non_steady_state_outlier01"] = (np.arange(N) == 1).astype(float)
    confounds["motion_outlier00"] = (np.arange(N) == 40).astype(float)
    lost = np.arange(N) == 99
    assert out(confounds, lost, fd_threshold=None) == [0, 1, 99]
    assert out(confounds, lost, before=1) == [0, 1, 99]


def test_real_scans():
    assert out(read_confounds(FOLDER / "test_desc-confounds_regressors.tsv", 30)) == [0]
    table = read_confounds(FOLDER / REAL, 30)
    marked = [
        int(table[name].argmax()) for name in table if name.startswith(("non_steady", "motion_outlier"))
    ]
    # all that fMRIPrep marked here is above its threshold of standardised DVARS or before the steady state
    assert out(table, fd_threshold=None, dvars_threshold=1.5) == sorted(set(marked))
    assert out(table, fd_threshold=None) == [0, 1, 2]
    assert len(out(table)) == 27


def test_displacement_is_that_of_fmriprep_and_taken_from_its_column():
    table = read_confounds(FOLDER / REAL, 30)
    expected = table["framewise_displacement"].to_numpy()
    assert np.array_equal(displacement_of(table), expected, equal_nan=True)
    # fMRIPrep writes six digits of what it computes of parameters with more
    by_parameters = displacement_of(table.drop(columns="framewise_displacement"))
    assert np.allclose(by_parameters, expected, rtol=0, atol=1e-5, equal_nan=True)
    assert displacement_of(table[["csf"]]) is None
    parameters = table[list(PARAMETERS)].to_numpy()
    assert np.allclose(
        framewise_displacement(parameters), simulated_displacement(parameters), atol=1e-12, equal_nan=True
    )


def test_parameters_stand_in_for_a_missing_displacement():
    _, confounds = recording()
    confounds.loc[70:, "rot_y"] += 0.02
    assert out(confounds.drop(columns="framewise_displacement"), fd_threshold=0.9) == [70]


def test_a_measure_that_is_missing_is_a_fault():
    _, confounds = recording()
    bare = confounds[["csf"]]
    with pytest.raises(
        ScanFault,
        match=r"lacks the column framewise_displacement, std_dvars, which a threshold needs \(remedy: .* or set no such threshold",
    ):
        out(bare, dvars_threshold=1.5)
    assert out(bare, fd_threshold=None) == []


@pytest.mark.parametrize("column", ["framewise_displacement", "std_dvars"])
def test_only_the_first_volume_may_lack_a_number(column):
    _, confounds = recording()
    assert np.isnan(confounds.loc[0, column])
    assert out(confounds, dvars_threshold=1.5) == []
    confounds.loc[[29, 31], column] = np.nan
    with pytest.raises(
        ScanFault, match=f"confounds: {column}: has no number in 2 volumes, the first of them 30"
    ):
        out(confounds, dvars_threshold=1.5)
    lost = np.isin(np.arange(N), [29, 31])
    assert out(confounds, lost, dvars_threshold=1.5) == [29, 31]


def test_lost_volumes_and_lost_nodes_are_told_apart():
    series = np.ones((100, 4))
    series[:, 0] = np.nan
    series[10, 1:] = np.nan
    series[20, 2] = np.inf
    series[30:41, 3] = np.nan
    # the last node lacks 11 of the 99 volumes with a number, 10 would cost the volumes
    assert np.flatnonzero(lost_volumes(series)).tolist() == [10, 20]
    series[30:32, 3] = 1.0
    assert np.flatnonzero(lost_volumes(series)).tolist() == [10, 20, *range(32, 41)]
    assert lost_volumes(np.full((3, 2), np.nan)).all()
    assert not lost_volumes(np.ones((3, 2))).any()


def test_a_table_without_columns_leaves_out_nothing():
    assert out(pd.DataFrame(index=range(9)), fd_threshold=None) == []
