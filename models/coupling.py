"""Mathematical coupling: the correlation of change with baseline that follows from the two variances alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from neurotrial.errors import InputError, Problem

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["expected_coupling"]


def expected_coupling(k: npt.ArrayLike, rho: npt.ArrayLike) -> FloatArray:
    """Return the correlation of baseline with change, (rho k - 1) / sqrt(1 + k^2 - 2 rho k).

    It is strongly negative whenever follow-up varies less than baseline, whatever the treatment does [1]_.

    Parameters
    ----------
    k : array_like
        SD at follow-up over SD at baseline; greater than 0.
    rho : array_like
        Correlation of follow-up with baseline, in [-1, 1]; broadcast against `k`.

    Returns
    -------
    array of float
        In [-1, 1]; NaN for k = rho = 1, where nothing changes but the mean.

    Raises
    ------
    InputError
        If `k` or `rho` is outside its range.

    References
    ----------
    .. [1] Hope TMH et al. Brain 2019;142:15-22. https://doi.org/10.1093/brain/awy302

    Examples
    --------
    >>> expected_coupling(1.0, [0.0, 0.5]).round(2).tolist()
    [-0.71, -0.5]
    """
    ratio, correlation = np.broadcast_arrays(np.asarray(k, "float64"), np.asarray(rho, "float64"))
    problems = []
    if not (np.isfinite(ratio) & (ratio > 0)).all():
        problems.append(
            Problem("k", "must be greater than 0", "divide the SD at follow-up by that at baseline")
        )
    if not (np.abs(correlation) <= 1).all():
        problems.append(Problem("rho", "must lie between -1 and 1", "give a correlation"))
    if problems:
        raise InputError(problems)
    # (k - rho)^2 + 1 - rho^2 is the same variance without cancellation
    spread = np.sqrt((ratio - correlation) ** 2 + (1 - correlation) * (1 + correlation))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.clip((correlation * ratio - 1) / spread, -1, 1))
