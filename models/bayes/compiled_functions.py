"""What likelihoods that numba compiles have in common: how they are compiled, and functions that numba lacks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["digamma", "expit", "jit", "softplus"]

Function = TypeVar("Function", bound=Callable[..., Any])

_ASYMPTOTIC = 8.0
"""From here on the series of the digamma function is exact to rounding."""


def jit(function: Function) -> Function:
    """Compile a function on its first call, once a machine; a division by zero gives infinity, as in numpy."""
    compiled: Any = numba.njit(cache=True, error_model="numpy")(function)
    return cast("Function", compiled)


@jit
def expit(x: float) -> float:
    """Return the inverse of the logit."""
    return 1.0 / (1.0 + math.exp(-x))


@jit
def softplus(x: float) -> float:
    """Return log(1 + exp(x)) without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@jit
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
