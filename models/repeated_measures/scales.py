"""One-to-one maps of the parameters of a covariance: from any number to a standard deviation or a correlation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["BOUNDED", "IDENTITY", "LOGIT", "LOG_SD", "LOG_VARIANCE", "RANGE", "VARIANCE", "Scale", "above"]

_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Scale:
    """A parameter x and the quantity z that it stands for.

    Attributes
    ----------
    value, first, second : callable
        From an array of x to z, dz/dx and d2z/dx2.
    inverse : callable
        From z to x; z is first moved inside its bounds.
    """

    value: Callable[[FloatArray], FloatArray]
    first: Callable[[FloatArray], FloatArray]
    second: Callable[[FloatArray], FloatArray]
    inverse: Callable[[FloatArray], FloatArray]


def _logistic(x: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _inside(z: FloatArray, low: float, high: float) -> FloatArray:
    edge = _EDGE * (high - low)
    return np.clip(z, low + edge, high - edge)


def above(lowest: float) -> Scale:
    """Return the logistic map onto (lowest, 1), for correlations that a matrix bounds from below."""
    width = 1.0 - lowest

    def inverse(z: FloatArray) -> FloatArray:
        share = (_inside(z, lowest, 1.0) - lowest) / width
        return np.asarray(np.log(share / (1.0 - share)))

    def first(x: FloatArray) -> FloatArray:
        p = _logistic(x)
        return np.asarray(width * p * (1.0 - p))

    def second(x: FloatArray) -> FloatArray:
        p = _logistic(x)
        return np.asarray(width * p * (1.0 - p) * (1.0 - 2.0 * p))

    return Scale(lambda x: np.asarray(lowest + width * _logistic(x)), first, second, inverse)


IDENTITY = Scale(np.asarray, np.ones_like, np.zeros_like, np.asarray)
"""The correlation itself."""

BOUNDED = Scale(
    lambda x: np.asarray(x / np.sqrt(1.0 + x**2)),
    lambda x: np.asarray((1.0 + x**2) ** -1.5),
    lambda x: np.asarray(-3.0 * x * (1.0 + x**2) ** -2.5),
    lambda z: np.asarray(_inside(z, -1.0, 1.0) / np.sqrt(1.0 - _inside(z, -1.0, 1.0) ** 2)),
)
"""x / sqrt(1 + x^2), onto (-1, 1)."""

LOGIT = above(0.0)
"""Logistic, onto (0, 1)."""

RANGE = Scale(
    lambda x: np.exp(-1.0 / x),
    lambda x: np.asarray(np.exp(-1.0 / x) / x**2),
    lambda x: np.asarray(np.exp(-1.0 / x) * (1.0 - 2.0 * x) / x**4),
    lambda z: np.asarray(-1.0 / np.log(_inside(z, 0.0, 1.0))),
)
"""exp(-1 / x): the correlation at distance 1 of an exponential with range x."""

LOG_SD = Scale(np.asarray, np.ones_like, np.zeros_like, np.asarray)
"""The logarithm of a standard deviation; like the two below, a map to that logarithm."""

LOG_VARIANCE = Scale(
    lambda x: np.asarray(0.5 * x),
    lambda x: np.full_like(x, 0.5),
    np.zeros_like,
    lambda z: np.asarray(2.0 * z),
)
"""The logarithm of a variance."""

VARIANCE = Scale(
    lambda x: np.asarray(0.5 * np.log(x)),
    lambda x: np.asarray(0.5 / x),
    lambda x: np.asarray(-0.5 / x**2),
    lambda z: np.exp(2.0 * z),
)
"""A variance."""
