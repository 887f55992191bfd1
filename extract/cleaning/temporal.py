"""Interpolation over volumes that are left out, detrending and band-pass: one matrix for the retained volumes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from neurotrial.extract.scan_result import ScanFault

__all__ = ["Band", "check_band", "fewest_volumes", "temporal_matrix"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]

_ORDER = 5
"""Of the Butterworth filter, which runs forwards and backwards, as nilearn's."""
_LONGEST_TR = 20.0
"""No BOLD volume takes longer; milliseconds do."""


@dataclass(frozen=True, slots=True)
class Band:
    """What is done to a series in time.

    Attributes
    ----------
    t_r : float
        Seconds from volume to volume.
    high_pass, low_pass : float or None
        Frequencies in Hz between which the series is kept; None sets no such limit.
    detrend : bool
        Whether mean and straight line are taken out.
    """

    t_r: float
    high_pass: float | None = 0.01
    low_pass: float | None = 0.1
    detrend: bool = True

    @property
    def filters(self) -> bool:
        """Whether there is a filter at all."""
        return self.high_pass is not None or self.low_pass is not None


def check_band(band: Band) -> None:
    """Refuse a repetition time that is none, or a band that it cannot show.

    Raises
    ------
    ScanFault
        With what to change.
    """
    t_r = band.t_r
    if not (isinstance(t_r, (int, float, np.number)) and 0 < t_r < _LONGEST_TR):
        raise ScanFault("RepetitionTime", f"is {t_r}", "give it in seconds, above 0")
    edges = [edge for edge in (band.high_pass, band.low_pass) if edge is not None]
    if any(edge <= 0 for edge in edges) or edges != sorted(set(edges)):
        rule = f"high_pass {band.high_pass} and low_pass {band.low_pass} are no band"
        raise ScanFault("cleaning", rule, "give frequencies above 0 Hz, high_pass below low_pass, or none")
    if edges and edges[-1] >= 1 / (2 * t_r):
        name = "high_pass" if band.low_pass is None else "low_pass"
        rule = f"volumes every {t_r:g} s cannot show {edges[-1]:g} Hz"
        raise ScanFault("RepetitionTime", rule, f"lower `cleaning: {name}` in study.yaml")


def temporal_matrix(kept: IntArray, band: Band) -> FloatArray:
    """Return the matrix that detrends and filters the retained volumes of a series.

    Parameters
    ----------
    kept : ndarray of int, shape (n_retained,)
        Retained volumes, ascending; from the first to the last at least `fewest_volumes`.
    band : Band
        What is done.

    Returns
    -------
    ndarray, shape (n_retained, n_retained)
        Read-only. With a filter: cubic spline over the volumes that are left out between the first and the last retained one, straight
        line out of all of them, Butterworth filter of order 5 forwards and backwards, retained volumes of the result. Without a
        filter nothing is interpolated, and the straight line is that of the retained volumes as they follow each other.

    Notes
    -----
    This is what nilearn does [2]_, in the order that keeps filtered noise from coming back by the regression [1]_. The straight line
    by the number of the retained volume is nilearn's, too.

    References
    ----------
    .. [1] Lindquist MA et al. Hum Brain Mapp 2019;40:2358-2376. https://doi.org/10.1002/hbm.24528
    .. [2] https://nilearn.github.io/stable/modules/generated/nilearn.signal.clean.html
    """
    return _matrix(kept.tobytes(), band)


@lru_cache(maxsize=4)
def _matrix(volumes: bytes, band: Band) -> FloatArray:
    """Return the matrix; strategies and sweeps of a scan ask for the same one again."""
    kept = np.frombuffer(volumes, dtype=np.int64)
    if not band.filters:
        found = np.eye(len(kept))
        found = _detrended(found) if band.detrend else found
    else:
        whole = _interpolation(kept)
        found = _filtered(_detrended(whole) if band.detrend else whole, band)[kept - kept[0]]
    found.flags.writeable = False
    return found


def _interpolation(kept: IntArray) -> FloatArray:
    """Return the matrix from the retained volumes to all from the first to the last of them."""
    from scipy.interpolate import CubicSpline

    first, last = kept[0], kept[-1]
    found = np.zeros((last - first + 1, len(kept)))
    found[kept - first, np.arange(len(kept))] = 1.0
    missing = np.setdiff1d(np.arange(first, last + 1), kept)
    if missing.size:
        found[missing - first] = CubicSpline(kept, np.eye(len(kept)))(missing)
    return found


def _detrended(rows: FloatArray) -> FloatArray:
    """Take mean and straight line out of each column."""
    time = np.arange(len(rows)) - (len(rows) - 1) / 2
    centred = rows - rows.mean(axis=0)
    return np.asarray(centred - np.outer(time, time @ centred) / max(time @ time, 1.0))


def fewest_volumes(band: Band) -> int:
    """Return how many volumes the filter needs: more than those by which it continues a series at either end; 0 without one."""
    if not band.filters:
        return 0
    sections = _sections(band)
    ends = min((sections[:, 2] == 0).sum(), (sections[:, 5] == 0).sum())
    return int(3 * (2 * len(sections) + 1 - ends)) + 1


@lru_cache(maxsize=4)
def _sections(band: Band) -> FloatArray:
    """Return the second-order sections of the Butterworth filter."""
    from scipy.signal import butter

    edges = [edge for edge in (band.high_pass, band.low_pass) if edge is not None]
    kind = "bandpass" if len(edges) > 1 else "lowpass" if band.high_pass is None else "highpass"
    found = butter(_ORDER, edges if len(edges) > 1 else edges[0], kind, output="sos", fs=1 / band.t_r)
    return np.asarray(found)


def _filtered(rows: FloatArray, band: Band) -> FloatArray:
    from scipy.signal import sosfiltfilt

    return np.asarray(sosfiltfilt(_sections(band), rows, axis=0))
