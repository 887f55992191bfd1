"""The digamma function for likelihoods that numba compiles."""

from __future__ import annotations

import math

import numba

__all__ = ["digamma"]

_ASYMPTOTIC = 8.0
"""From here on the series below is exact to rounding."""


@numba.njit(cache=True, error_model="numpy")
def digamma(x: float) -> float:
    """Return the derivative of the logarithm of the gamma function: recurrence, then the asymptotic series.

    Parameters
    ----------
    x : float
        Above 0.

    References
    ----------
    Bernardo JM. J R Stat Soc C 1976;25:315-317. https://doi.org/10.2307/2347257
    """
    out = 0.0
    while x < _ASYMPTOTIC:
        out -= 1.0 / x
        x += 1.0
    square = 1.0 / (x * x)
    series = 1 / 252 - square * (1 / 240 - square * (1 / 132 - square * 691 / 32760))
    return out + math.log(x) - 0.5 / x - square * (1 / 12 - square * (1 / 120 - square * series))
