"""Haemodynamic lag: how much later the signal of a node follows a reference."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["node_lags"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
_FEWEST_PAIRS = 10


def node_lags(
    series: FloatArray, reference: FloatArray, tr: float, *, max_lag_s: float = 8.0, least_r: float = 0.3
) -> FloatArray:
    """Return the lag of each node: where its cross-correlation with a reference is largest.

    Parameters
    ----------
    series : ndarray, shape (n_volumes, n_nodes)
        Cleaned series on the time of the scan; volumes that were left out are NaN and enter no product.
    reference : ndarray, shape (n_volumes,)
        Signal of healthy grey matter.
    tr : float
        Seconds from volume to volume.
    max_lag_s : float
        Largest lag that is looked at.
    least_r : float
        Correlation that the peak must reach: of what does not follow the reference the largest of many correlations is noise.

    Returns
    -------
    ndarray, shape (n_nodes,)
        In s, positive where the node comes later; between volumes by a parabola through the peak and its neighbours. NaN where
        nothing reaches `least_r`, or the peak lies at the largest lag. Beyond 1 s connectivity is in doubt [1]_.

    References
    ----------
    .. [1] Siegel JS et al. J Cereb Blood Flow Metab 2016;36:2162-2176. https://doi.org/10.1177/0271678X15614846

    Examples
    --------
    >>> wave = np.sin(np.arange(200) / 5)
    >>> node_lags(np.roll(wave, 2)[20:-20, None], wave[20:-20], tr=2.0).round(1).tolist()
    [4.0]
    """
    steps = np.arange(-int(max_lag_s / tr) - 1, int(max_lag_s / tr) + 2)
    found = np.array([_correlations(series, reference, int(step)) for step in steps])
    return np.array([_peak(own, steps, least_r) * tr for own in found.T])


def _correlations(series: FloatArray, reference: FloatArray, step: int) -> FloatArray:
    """Return the correlation of each node, `step` volumes later, with the reference."""
    n = len(reference)
    later, now = series[max(step, 0) : n + min(step, 0)], reference[max(-step, 0) : n - max(step, 0)]
    both = np.isfinite(now) & np.isfinite(later).any(axis=1)
    if both.sum() < _FEWEST_PAIRS:
        return np.full(series.shape[1], np.nan)
    x, y = later[both] - later[both].mean(axis=0), now[both] - now[both].mean()
    size = np.sqrt((x**2).sum(axis=0) * (y**2).sum())
    return np.asarray(np.divide(y @ x, size, out=np.full(series.shape[1], np.nan), where=size > 0))


def _peak(values: FloatArray, steps: Any, least_r: float) -> float:
    """Return the place of the largest value between the ends, in steps."""
    if not np.isfinite(values).all():
        return float("nan")
    top = int(values.argmax())
    if not 0 < top < len(values) - 1 or values[top] < least_r:
        return float("nan")
    before, peak, after = values[top - 1 : top + 2]
    bend = before - 2 * peak + after
    return float(steps[top] + ((before - after) / (2 * bend) if bend < 0 else 0.0))
