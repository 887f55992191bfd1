"""The operator gives what nilearn gives, with and without filter, trend and volumes that are left out."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from nilearn import signal
from noisy_recording import T_R, N, moving, recording

from neurotrial.extract import clean
from neurotrial.extract.cleaning.strategies import STRATEGIES, regressors

OUT = (5, 6, 40, 41, 90, 148)
"""Without mirror images in time, which nilearn 0.14 does not interpolate, and none at an end."""
BANDS = {"band": (0.01, 0.1), "high": (0.01, None), "low": (None, 0.1), "none": (None, None)}


def by_nilearn(series, confounds, strategy, band, kept, *, detrend):
    columns = regressors(confounds, strategy, np.ones(len(series), dtype=bool)).to_numpy()
    with warnings.catch_warnings():
        # of regressors that are neither detrended nor filtered
        warnings.simplefilter("ignore", UserWarning)
        return signal.clean(
            series, detrend=detrend, standardize=None, confounds=columns if columns.size else None, sample_mask=kept,
            filter="butterworth", high_pass=band[0], low_pass=band[1], t_r=T_R,
        )  # fmt: skip


@pytest.mark.parametrize("detrend", [True, False], ids=["detrended", "as it is"])
@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("out", [(), OUT], ids=["all volumes", "censored"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_cleaned_series_are_those_of_nilearn(strategy, out, band, detrend):
    series, confounds = recording()
    kept = np.setdiff1d(np.arange(N), out) if out else None
    high_pass, low_pass = BANDS[band]
    found = clean(
        series, moving(confounds, *out), strategy=strategy, tr=T_R, high_pass=high_pass, low_pass=low_pass, detrend=detrend,
        min_effective_df=0.0,
    )  # fmt: skip
    expected = by_nilearn(series.copy(), confounds, strategy, BANDS[band], kept, detrend=detrend)
    # signals of 900 +- 10 and their squares are collinear to 5 digits where no mean is taken out before: in extended precision
    # nilearn is off by 1e-7 then, the operator by 1e-10
    assert np.allclose(found.series, expected, rtol=0, atol=1e-9 if detrend or high_pass else 1e-6)
    assert np.flatnonzero(found.censored).tolist() == list(out)


def test_volumes_at_the_ends_are_cut_off_as_nilearn_does():
    series, confounds = recording()
    out = (0, 1, 30, 147, 149)
    kept = np.setdiff1d(np.arange(N), out)
    found = clean(series, moving(confounds, *out), strategy="6p", tr=T_R)
    expected = by_nilearn(series[2:149], confounds[2:149], "6p", (0.01, 0.1), kept - 2, detrend=True)
    assert np.allclose(found.series, expected, rtol=0, atol=1e-9)
