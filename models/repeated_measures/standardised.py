"""The effects of a fitted model in standard deviations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.effect_sizes import hedges_correction, noncentral_limits
from neurotrial.models.tidy import Estimate, tidy_frame

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.repeated_measures.result import Mmrm
    from neurotrial.models.student import FloatArray

__all__ = ["Unit", "standardised_effects"]

Unit = Literal["baseline", "visit", "change"]
"""SD at the first visit, at the visit of the effect, or of the change from the first visit to it."""

_WORDS = {
    "baseline": "SD at {first}",
    "visit": "SD at {visit}",
    "change": "SD of the change from {first} to {visit}",
}


def standardised_effects(fit: Mmrm, arm: str | None, unit: Unit | float, conf_level: float) -> pd.DataFrame:
    """Return the effects of a fit over a standard deviation; arguments as in `Mmrm.standardised`."""
    if isinstance(unit, str) and unit not in _WORDS:
        raise refuse("unit", f"{unit!r} is not known", f"use one of: {', '.join(_WORDS)}, or a number")
    if not isinstance(unit, str) and not (np.isfinite(unit) and unit > 0):
        raise refuse("unit", f"{unit!r} is no standard deviation", "give a number greater than 0")
    if fit.long.groups:
        raise refuse(
            "unit", "each arm has a covariance of its own", "give the standard deviation as a number"
        )
    if tuple(fit.long.levels) != tuple(fit.long.visits):
        raise refuse(
            "unit", "the covariance is over times, not visits", "give the standard deviation as a number"
        )
    rows = [row for row in fit.effect_rows(arm, conf_level) if row.term != "lsmean"]
    if unit == "change":
        rows = [row for row in rows if row.visit != fit.long.visits[0]]
    return tidy_frame(_standardised(fit, row, unit) for row in rows)


def _standardised(fit: Mmrm, row: Estimate, unit: Unit | float) -> Estimate:
    if not isinstance(unit, str):
        return _fixed(row, float(unit), f"SD of {unit:g}, given")
    direction = _direction(fit, row.visit, unit)
    sd = float(np.sqrt(direction @ fit.covariance.to_numpy() @ direction))
    words = _WORDS[unit].format(first=fit.long.visits[0], visit=row.visit)
    if unit == "change" and row.term != "arm" and row.reason.startswith("exact t: complete data"):
        return _exact(row, sd, words)
    return _fixed(row, sd, words)


def _direction(fit: Mmrm, visit: str, unit: Unit) -> FloatArray:
    one = np.eye(len(fit.long.visits))
    at = fit.long.visits.index(visit)
    chosen: dict[Unit, FloatArray] = {"baseline": one[0], "visit": one[at], "change": one[at] - one[0]}
    return chosen[unit]


def _fixed(row: Estimate, sd: float, words: str) -> Estimate:
    return replace(
        row,
        estimate=row.estimate / sd,
        std_error=row.std_error / sd,
        conf_low=row.conf_low / sd,
        conf_high=row.conf_high / sd,
        reason=f"in units of the {words}, taken as fixed; {row.reason}",
    )


def _exact(row: Estimate, sd: float, words: str) -> Estimate:
    """Return Hedges' g with the noncentral t: estimate and SD come from one ordinary regression."""
    share, j = row.std_error / sd, hedges_correction(row.df)
    low, high = noncentral_limits(row.statistic, row.df, row.conf_level)
    return replace(
        row,
        estimate=j * row.estimate / sd,
        std_error=j * share,
        conf_low=j * low * share,
        conf_high=j * high * share,
        interval_kind="noncentral_t",
        reason=f"Hedges' g, in units of the {words}; {row.reason}",
    )
