"""E-values: how strong a confounder that nobody measured would have to be to explain an association."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurotrial.errors import InputError, Problem, refuse

__all__ = ["EValue", "e_value", "risk_ratio_of"]

_SLOPE = 0.91
"""Log risk ratio of a difference of one SD, approximately."""


@dataclass(frozen=True, slots=True)
class EValue:
    """The E-value of an association.

    Attributes
    ----------
    ratio : float
        Risk ratio of the estimate.
    estimate : float
        E-value of the estimate, 1 or more: the smallest risk ratio that a confounder would need with both sides to
        explain it, were it the only bias.
    limit : float
        E-value of the confidence limit nearest to no association; 1 where the interval includes it, NaN without interval.
    """

    ratio: float
    estimate: float
    limit: float


def e_value(ratio: float, conf_low: float = np.nan, conf_high: float = np.nan) -> EValue:
    """Return the E-value of a risk ratio [1]_.

    Parameters
    ----------
    ratio : float
        Risk ratio, above 0.
    conf_low, conf_high : float
        Its limits, above 0; NaN for none.

    Returns
    -------
    EValue
        Of the estimate and of the limit nearest to 1.

    Raises
    ------
    InputError
        If a ratio is not above 0, or the estimate does not lie between its limits.

    References
    ----------
    .. [1] VanderWeele TJ, Ding P. Ann Intern Med 2017;167:268-274. https://doi.org/10.7326/M16-2607

    Examples
    --------
    >>> found = e_value(0.80, 0.71, 0.91)
    >>> round(found.estimate, 2), round(found.limit, 2)
    (1.81, 1.43)
    """
    given = {"ratio": ratio, "conf_low": conf_low, "conf_high": conf_high}
    problems = [
        Problem(name, f"{value:g} is no ratio above 0", "give a risk ratio")
        for name, value in given.items()
        if not (value > 0 and np.isfinite(value)) and not (np.isnan(value) and name != "ratio")
    ]
    if problems:
        raise InputError(problems)
    if ratio < conf_low or ratio > conf_high:
        rule = f"{ratio:g} is not between {conf_low:g} and {conf_high:g}"
        raise refuse("ratio", rule, "give the limits of its own interval")
    nearest = conf_low if ratio >= 1 else conf_high
    crossed = conf_low <= 1 <= conf_high
    return EValue(float(ratio), _of(ratio), 1.0 if crossed else _of(nearest))


def risk_ratio_of(difference: float) -> float:
    """Return the approximate risk ratio of a standardised difference [1]_.

    Parameters
    ----------
    difference : float
        Difference in SDs of the outcome.

    References
    ----------
    .. [1] VanderWeele TJ, Ding P. Ann Intern Med 2017;167:268-274. https://doi.org/10.7326/M16-2607

    Examples
    --------
    >>> round(risk_ratio_of(0.5), 3)
    1.576
    """
    return float(np.exp(_SLOPE * difference))


def _of(ratio: float) -> float:
    above = max(ratio, 1 / ratio)
    return float(above + np.sqrt(above * (above - 1)))
