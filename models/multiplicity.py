"""Adjustment of the p-values of a family of hypotheses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from neurotrial.errors import InputError, Problem

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["PROCEDURES", "adjust"]

PROCEDURES = {"holm": "holm", "hommel": "hommel", "bh": "fdr_bh", "by": "fdr_by"}
"""The procedures, with their names in statsmodels."""

FIXED_SEQUENCE = "fixed_sequence"


def adjust(p_values: npt.ArrayLike, method: str = "holm") -> FloatArray:
    """Adjust p-values for their number.

    Parameters
    ----------
    p_values : array_like, shape (n_hypotheses,)
        Between 0 and 1; NaN for a hypothesis that could not be tested. The family keeps its declared size: such a
        hypothesis counts as one with p = 1.
    method : {"holm", "hommel", "bh", "by", "fixed_sequence"}
        Holm and Hommel [1]_ control the familywise error (Hommel under independence or positive dependence),
        Benjamini-Hochberg [2]_ and Benjamini-Yekutieli [3]_ the false discovery rate. A fixed sequence tests in the
        order given, each hypothesis at the full level as long as those before it were rejected [4]_.

    Returns
    -------
    array of float, shape (n_hypotheses,)
        Adjusted p-values in the order given; NaN where the p-value is.

    Raises
    ------
    InputError
        If a p-value lies outside [0, 1] or the method is unknown.

    References
    ----------
    .. [1] Hommel G. Biometrika 1988;75:383-386. https://doi.org/10.1093/biomet/75.2.383
    .. [2] Benjamini Y, Hochberg Y. J R Stat Soc B 1995;57:289-300. https://doi.org/10.1111/j.2517-6161.1995.tb02031.x
    .. [3] Benjamini Y, Yekutieli D. Ann Stat 2001;29:1165-1188. https://doi.org/10.1214/aos/1013699998
    .. [4] Maurer W, Hothorn LA, Lehmacher W. Multiple comparisons in drug clinical trials and preclinical assays:
       a-priori ordered hypotheses. In: Biometrie in der chemisch-pharmazeutischen Industrie 6. Fischer 1995, 3-18.

    Examples
    --------
    >>> adjust([0.01, 0.04, float("nan")]).round(2).tolist()
    [0.03, 0.08, nan]
    """
    values = np.asarray(p_values, dtype="float64")
    _check(values, method)
    if not values.size:
        return values.copy()
    counted = np.where(np.isnan(values), 1.0, values)
    if method == FIXED_SEQUENCE:
        adjusted = np.maximum.accumulate(counted)
    elif method == "holm":
        adjusted = _holm(counted)
    else:
        from statsmodels.stats.multitest import multipletests

        adjusted = multipletests(counted, method=PROCEDURES[method])[1]
    return np.where(np.isnan(values), np.nan, np.minimum(adjusted, 1.0))


def _holm(p_values: FloatArray) -> FloatArray:
    """Step down from the smallest; statsmodels collects the garbage of the whole process each time, up to 0.5 s."""
    order = np.argsort(p_values)
    stepped = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    adjusted = np.empty_like(p_values)
    adjusted[order] = stepped
    return adjusted


def _check(values: FloatArray, method: str) -> None:
    problems = []
    known = (*PROCEDURES, FIXED_SEQUENCE)
    if method not in known:
        problems.append(Problem("method", f"{method!r} is unknown", f"use one of: {', '.join(known)}"))
    if values.ndim != 1:
        problems.append(Problem("p_values", f"have {values.ndim} dimensions", "give them as one list"))
    wrong = np.flatnonzero((values < 0) | (values > 1))
    if wrong.size:
        rows = tuple(f"position {i}: {values.flat[i]:g}" for i in wrong)
        problems.append(Problem("p_values", "must lie between 0 and 1", "correct them", rows))
    if problems:
        raise InputError(problems)
