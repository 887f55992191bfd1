"""Numbers as medical journals print them: real minus signs, no "-0.0", p-values, intervals, missing as an en dash."""

from __future__ import annotations

import math
from typing import Any

__all__ = [
    "MISSING",
    "count_percent",
    "interval",
    "is_missing",
    "mean_sd",
    "median_iqr",
    "number",
    "p_cell",
    "p_value",
    "percent",
    "plain",
    "probability",
    "take_printed",
    "unsigned",
    "whole",
]

MISSING = "–"
"""What stands where there is no number."""

MINUS = "−"
_SMALLEST_P, _COARSE_P, _LARGEST_P = 0.001, 0.1, 0.99
_FINE_PROBABILITY = 0.05
_PRINTED: dict[str, None] = {}


def take_printed() -> list[str]:
    """Return the numbers with decimals that were printed in this process since the last call, each once, without sign."""
    taken = list(_PRINTED)
    _PRINTED.clear()
    return taken


def is_missing(value: Any) -> bool:
    """Tell whether a value of a results table is missing: None, NaN or pandas' NA."""
    import pandas as pd

    return bool(pd.isna(value))


def number(value: Any, digits: int) -> str:
    """Return a number with a fixed count of decimals.

    Parameters
    ----------
    value : float or missing
        The number; rounded half to even on its binary value, as Python does.
    digits : int
        Decimals, 0 or more.

    Returns
    -------
    str
        With the minus sign U+2212, never a negative zero; `MISSING` where there is no number.

    Examples
    --------
    >>> number(-0.04, 1), number(-12.34, 1), number(None, 1)
    ('0.0', '−12.3', '–')
    """
    if is_missing(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = unsigned(value, digits)
    if digits:
        _PRINTED[text] = None
    return f"{MINUS}{text}" if value < 0 and float(text) != 0 else text


def unsigned(value: float, digits: int) -> str:
    """Return a finite number with a fixed count of decimals, without sign and without taking it for printed."""
    return f"{abs(float(value)):.{digits}f}"


def plain(value: float) -> str:
    """Return a number of the study file with as many decimals as it has.

    Examples
    --------
    >>> plain(-14.0), plain(0.3)
    ('−14', '0.3')
    """
    return f"{value:g}".replace("-", MINUS)


def whole(value: Any) -> str:
    """Return a count."""
    return number(value, 0)


def interval(low: Any, high: Any, digits: int) -> str:
    """Return an interval, `MISSING` if neither limit exists.

    Examples
    --------
    >>> interval(-2.31, 13.94, 1)
    '−2.3 to 13.9'
    """
    if is_missing(low) and is_missing(high):
        return MISSING
    return f"{number(low, digits)} to {number(high, digits)}"


def p_value(p: Any, name: str = "p") -> str:
    """Return a p-value with its name, `MISSING` where there is none.

    Three decimals below 0.1, two above, and never 0 or 1.

    Examples
    --------
    >>> p_value(0.0321), p_value(0.00004), p_value(0.716), p_value(0.9999)
    ('p = 0.032', 'p < 0.001', 'p = 0.72', 'p > 0.99')
    """
    text = p_cell(p)
    if text == MISSING:
        return MISSING
    return f"{name} {text[0]} {text[1:]}" if text[0] in "<>" else f"{name} = {text}"


def p_cell(p: Any) -> str:
    """Return a p-value for a column that is headed by its name.

    Raises
    ------
    ValueError
        If ``p`` is no probability.
    """
    if is_missing(p):
        return MISSING
    if not 0 <= p <= 1:
        message = f"a p-value lies between 0 and 1, not at {p}"
        raise ValueError(message)
    if p < _SMALLEST_P:
        return f"<{_SMALLEST_P}"
    if p > _LARGEST_P:
        return f">{_LARGEST_P}"
    return number(p, 3 if round(p, 3) < _COARSE_P else 2)


def probability(value: Any) -> str:
    """Return a posterior probability with two decimals, three near 0 and 1, and never 0 or 1; `MISSING` without one.

    Examples
    --------
    >>> probability(0.834), probability(0.9871), probability(0.9999), probability(0.0)
    ('0.83', '0.987', '>0.999', '<0.001')
    """
    if is_missing(value):
        return MISSING
    if min(value, 1 - value) < _SMALLEST_P:
        return f"<{_SMALLEST_P}" if value < 1 - value else f">{1 - _SMALLEST_P:g}"
    return number(value, 3 if min(value, 1 - value) < _FINE_PROBABILITY else 2)


def percent(share: Any) -> str:
    """Return a share between 0 and 1 as a whole percentage."""
    return MISSING if is_missing(share) else f"{number(100 * share, 0)} %"


def count_percent(count: Any, share: Any) -> str:
    """Return a count with its percentage.

    Examples
    --------
    >>> count_percent(12, 0.3871)
    '12 (39 %)'
    """
    return whole(count) if is_missing(share) else f"{whole(count)} ({percent(share)})"


def mean_sd(mean: Any, sd: Any, digits: int) -> str:
    """Return mean (SD), `MISSING` without a mean."""
    return MISSING if is_missing(mean) else f"{number(mean, digits)} ({number(sd, digits)})"


def median_iqr(median: Any, q1: Any, q3: Any, digits: int) -> str:
    """Return median (first to third quartile), `MISSING` without a median."""
    return MISSING if is_missing(median) else f"{number(median, digits)} ({interval(q1, q3, digits)})"
