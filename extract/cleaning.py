"""Cleaning of node time series: detrending, motion regression, band-pass and censoring, by nilearn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from neurotrial.imaging_plan import CleaningPlan

__all__ = ["Cleaned", "clean_series"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]

_SPARE = 10
"""Volumes that must be left beyond one for each regressor."""

_FILTER_PADDING = 33
"""Volumes by which nilearn's filter (Butterworth, order 5, forwards and backwards) continues a series at either end; it
needs more than that."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Cleaned series of one scan.

    Attributes
    ----------
    series : ndarray, shape (retained volumes, nodes)
        Residuals of the retained volumes.
    censored : ndarray of bool, shape (volumes,)
        Volumes that were left out.
    minutes : float
        Time of the retained volumes.
    effective_df : float
        Retained volumes times the share of the spectrum that is kept, less the regressors, at least 1: an
        approximation (a band of B Hz kept for T s holds about 2 B T independent values).
    """

    series: FloatArray
    censored: BoolArray
    minutes: float
    effective_df: float

    @property
    def n_volumes(self) -> int:
        """Retained volumes."""
        return len(self.series)


def clean_series(
    series: FloatArray, regressors: FloatArray, displacement: FloatArray, t_r: float, plan: CleaningPlan
) -> Cleaned:
    """Clean node time series.

    Volumes above the threshold of framewise displacement are interpolated by a cubic spline before the filter and left out
    after it; those before the first and after the last retained volume do not enter at all. Series and regressors pass
    the same filter.

    Parameters
    ----------
    series : ndarray, shape (volumes, nodes)
        Mean signal of each node.
    regressors : ndarray, shape (volumes, regressors)
        Motion regressors.
    displacement : ndarray, shape (volumes,)
        Framewise displacement in mm.
    t_r : float
        Repetition time in s.
    plan : CleaningPlan
        Band and threshold.

    Returns
    -------
    Cleaned
        Series of the retained volumes.

    Raises
    ------
    ScanFault
        If too few volumes are left for regressors or filter, or the band does not fit the repetition time.

    References
    ----------
    Power JD et al. NeuroImage 2012;59:2142-2154. https://doi.org/10.1016/j.neuroimage.2011.10.018
    """
    from nilearn import signal

    censored = displacement > plan.fd_threshold
    kept = np.flatnonzero(~censored)
    _check(kept, regressors.shape[1], len(series), t_r, plan)
    cleaned = signal.clean(
        _interpolated(series, kept),
        detrend=True,
        standardize=None,
        standardize_confounds=True,
        confounds=_interpolated(regressors, kept),
        sample_mask=kept - kept[0] if censored.any() else None,
        filter="butterworth",
        low_pass=plan.low_pass,
        high_pass=plan.high_pass,
        t_r=t_r,
        butterworth__copy=True,  # all columns at once: the same numbers, several times faster than one by one
    )
    share = min(1.0, 2 * t_r * (plan.low_pass - plan.high_pass))
    effective = max(1.0, kept.size * share - regressors.shape[1] * share)
    return Cleaned(np.asarray(cleaned), censored, kept.size * t_r / 60, effective)


def _interpolated(series: FloatArray, kept: IntArray) -> FloatArray:
    """Return the volumes from the first to the last retained one, with those between them that are not interpolated.

    nilearn 0.14 interpolates the place n - 1 - t for each retained volume t, and so misses a volume that is left out when
    the one at the same distance from the other end is left out too; the filter then spreads it over the others.
    """
    from scipy.interpolate import CubicSpline

    whole = np.array(series[kept[0] : kept[-1] + 1], dtype="float64")
    missing = np.setdiff1d(np.arange(kept[0], kept[-1] + 1), kept)
    if missing.size:
        whole[missing - kept[0]] = CubicSpline(kept, series[kept])(missing)
    return whole


def _check(kept: IntArray, regressors: int, volumes: int, t_r: float, plan: CleaningPlan) -> None:
    if plan.low_pass >= 1 / (2 * t_r):
        rule = f"volumes every {t_r:g} s cannot show {plan.low_pass:g} Hz"
        raise ScanFault("RepetitionTime", rule, "lower `cleaning: low_pass` in study.yaml")
    needed = regressors + _SPARE
    if kept.size < needed:
        rule = f"{kept.size} of {volumes} volumes have a framewise displacement of at most {plan.fd_threshold:g} mm, {needed} are needed"
        raise ScanFault("motion", rule, "raise `cleaning: fd_threshold`, choose 6p, or leave the scan out")
    length = int(kept[-1] - kept[0]) + 1
    if length <= _FILTER_PADDING:
        rule = f"{length} volumes from the first to the last that is retained are too few for the band-pass filter, {_FILTER_PADDING + 1} are needed"
        raise ScanFault("volumes", rule, "leave the scan out by a decision")
