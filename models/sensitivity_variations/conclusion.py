"""Whether a variation changes the conclusion: its direction, or its significance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from neurotrial.method_names import Scale, scale_of

__all__ = ["Conclusion", "changed", "repeats"]

Conclusion = Literal["same", "significance", "direction", "not_estimable"]

_SAME = 1e-12
"""Largest relative difference of numbers that are the same but for the order of their sums."""


def changed(
    main: Mapping[Any, Any], row: Mapping[Any, Any], alpha: float, *, lower_is_better: bool, flipped: bool
) -> Conclusion:
    """Tell what a variation changes in the conclusion; the direction before the significance.

    Parameters
    ----------
    main, row : mapping
        method, estimate, conf_low, conf_high and p_value of both.
    alpha : float
        Two-sided level, in (0, 1). Without p-value, the interval decides.
    lower_is_better : bool
        Direction of the outcome, for scales on which larger is always a benefit.
    flipped : bool
        Whether larger values of the variation mean the opposite.
    """
    signs = [_sign(part, lower_is_better=lower_is_better) for part in (main, row)]
    significant = [_significant(part, alpha) for part in (main, row)]
    if not np.isfinite(signs).all() or None in significant:
        return "not_estimable"
    if signs[0] * signs[1] * (-1 if flipped else 1) < 0:
        return "direction"
    return "same" if significant[0] == significant[1] else "significance"


def repeats(main: Mapping[Any, Any], row: Mapping[Any, Any]) -> bool:
    """Tell whether a variation gives the very numbers of the main analysis."""
    names = ("estimate", "std_error", "conf_low", "conf_high", "p_value")
    first, second = ([float(part[name]) for name in names] for part in (main, row))
    return (
        np.allclose(first, second, rtol=_SAME, atol=0.0, equal_nan=True)
        and main["method"] == row["method"]
        and main["n_per_arm"] == row["n_per_arm"]
    )


def _sign(row: Mapping[Any, Any], *, lower_is_better: bool) -> float:
    scale: Scale = scale_of(str(row["method"]))
    beyond = float(np.sign(float(row["estimate"]) - scale.null))
    return -beyond if scale.improvement and lower_is_better else beyond


def _significant(row: Mapping[Any, Any], alpha: float) -> bool | None:
    p_value, null = float(row["p_value"]), scale_of(str(row["method"])).null
    if np.isfinite(p_value):
        return p_value <= alpha
    limits = (float(row["conf_low"]), float(row["conf_high"]))
    return bool(null < limits[0] or limits[1] < null) if np.isfinite(limits).all() else None
