"""The numbers that are asked of a multivariate linear model: linear functions of its coefficients, and associations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from neurotrial.models.bayes.model import Target
from neurotrial.models.bayes_gaussian.multivariate_likelihood import correlation_factors

if TYPE_CHECKING:
    from neurotrial.models.bayes.model import FloatArray, Parameters
    from neurotrial.models.tidy import Term

__all__ = ["Association", "LinearTarget", "TargetRule", "covariances"]


class TargetRule(Protocol):
    """A rule that makes a number of parameters."""

    def of(self, parameters: Parameters) -> Target:
        """Return the number in each draw."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearTarget:
    """A linear function of coefficients and, behind them, of deviations of pooled effects.

    Attributes
    ----------
    weights : ndarray, shape (p + deviations,)
        On the standardised scale.
    unit_size, shift : float
        The number is shift + unit_size times the function: back in the unit of the outcome.
    term, contrast, visit, outcome, unit, sign
        As in `Target`.
    """

    weights: FloatArray
    unit_size: float
    shift: float
    term: Term
    contrast: str
    visit: str = ""
    outcome: str = ""
    unit: str = ""
    sign: int = 1

    def of(self, parameters: Parameters) -> Target:
        """Return the number in each draw."""
        values = parameters["coefficients"]
        if "deviation" in parameters:
            values = np.hstack([values, parameters["deviation"]])
        draws = self.shift + self.unit_size * (values @ self.weights)
        return Target(
            draws, self.term, self.contrast, self.visit, self.outcome, self.unit, self.sign, self.unit_size
        )


@dataclass(frozen=True, slots=True)
class Association:
    """How two values go together in participants of one arm with the same other values.

    Attributes
    ----------
    first, second : int
        Columns of the two values.
    given : tuple of int
        Columns that are held fixed.
    contrast : str
        What goes with what.
    visit : str
        When.
    slope_size : float
        Unit of the second value over that of the first: the number is then the slope of the second on the first in
        these units; 0 for the partial correlation.
    unit : str
        Unit of the number.
    """

    first: int
    second: int
    given: tuple[int, ...]
    contrast: str
    visit: str
    slope_size: float
    unit: str

    def of(self, parameters: Parameters) -> Target:
        """Return the number in each draw."""
        pair, given = [self.first, self.second], list(self.given)
        every = covariances(parameters)
        inner = every[:, pair][:, :, pair]
        across = every[:, pair][:, :, given]
        fixed = every[:, given][:, :, given]
        rest = inner - across @ np.linalg.solve(fixed, np.swapaxes(across, 1, 2))
        if self.slope_size:
            draws = self.slope_size * rest[:, 0, 1] / rest[:, 0, 0]
        else:
            draws = rest[:, 0, 1] / np.sqrt(rest[:, 0, 0] * rest[:, 1, 1])
        return Target(draws, "association", self.contrast, self.visit, unit=self.unit, sign=0)


def covariances(parameters: Parameters) -> FloatArray:
    """Return the covariance in each draw, shape (draws, T, T), standardised; of the scales where tails are heavy."""
    sd = parameters["sd"]
    roots = sd[:, :, None] * correlation_factors(np.ascontiguousarray(parameters["partial"]), sd.shape[1])
    return np.asarray(roots @ np.swapaxes(roots, 1, 2))
