"""A linear Gaussian specification: its estimate and test for any labels, by products with a residualised label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special

from neurotrial.errors import refuse

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["Adjustment", "LinearCell", "Tests", "adjustment"]

Errors = Literal["ols", "hc3", "welch"]

_ZERO = 1e-12
_FULL_LEVERAGE = 1 - 1e-9


@dataclass(frozen=True)
class Tests:
    """Estimates and their tests, one for each labelling.

    Attributes
    ----------
    estimate, std_error, df, p_value : array of float, shape (n_labellings,)
        NaN where a labelling leaves nothing to compare.
    """

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray

    @cached_property
    def statistic(self) -> FloatArray:
        """Estimates in standard errors."""
        return np.asarray(self.estimate / self.std_error)

    @cached_property
    def p_value(self) -> FloatArray:
        """Two-sided p of Student's t."""
        return np.asarray(2 * special.stdtr(self.df, -np.abs(self.statistic)))


@dataclass(frozen=True)
class Adjustment:
    """What a response is adjusted for, among some participants; shared by all specifications that have it.

    Attributes
    ----------
    seen : array of int, shape (m,)
        Positions of the participants.
    basis : array of float, shape (m, q)
        Orthonormal basis of intercept and covariates.
    """

    seen: np.ndarray
    basis: FloatArray

    def residual(self, values: FloatArray) -> FloatArray:
        """Return values without what the basis explains, shape (m,)."""
        return np.asarray(values - self.basis @ (self.basis.T @ values))

    def labels(self, treated: np.ndarray) -> FloatArray:
        """Return labels without what the basis explains, shape (n_labellings, m)."""
        x = treated[:, self.seen].astype("float64")
        x -= (x @ self.basis) @ self.basis.T
        return x

    @cached_property
    def leverage(self) -> FloatArray:
        """Leverage of the basis, shape (m,)."""
        return np.asarray((self.basis**2).sum(axis=1))


def adjustment(seen: np.ndarray, explaining: FloatArray) -> Adjustment:
    """Return the adjustment for intercept and covariates.

    Parameters
    ----------
    seen : array of int, shape (m,)
        Positions of the participants.
    explaining : array of float, shape (m, k)
        Covariates, finite.

    Raises
    ------
    InputError
        If covariates are aliased, or no residual degree of freedom is left.
    """
    matrix = np.column_stack([np.ones(seen.size), explaining])
    n, p = matrix.shape[0], matrix.shape[1] + 1
    if n <= p:
        raise refuse(
            "covariates", f"{n} participants are too few for {p} coefficients", "leave out covariates"
        )
    scaled = matrix - np.r_[0.0, matrix[:, 1:].mean(axis=0)]
    length = np.linalg.norm(scaled, axis=0)
    basis, rest = np.linalg.qr(scaled / np.where(length > 0, length, 1.0))
    if (np.abs(np.diag(rest)) < np.sqrt(_ZERO)).any():
        raise refuse("covariates", "are linear combinations of each other", "leave out covariates")
    return Adjustment(seen, basis)


@dataclass(frozen=True)
class LinearCell:
    """A response, its adjustment and its errors.

    Attributes
    ----------
    shared : Adjustment
        Participants and covariates.
    response : array of float, shape (m,)
        Follow-up or change of these participants.
    errors : {"ols", "hc3", "welch"}
        Classical, heteroscedasticity-consistent, or each arm's own variance (without covariates).
    """

    shared: Adjustment
    response: FloatArray
    errors: Errors

    @cached_property
    def _residual(self) -> FloatArray:
        return self.shared.residual(self.response)

    @cached_property
    def _centred(self) -> FloatArray:
        return np.asarray(self.response - self.response.mean())

    def tests(self, treated: np.ndarray, residualised: FloatArray | None = None) -> Tests:
        """Return the test of each labelling.

        Parameters
        ----------
        treated : array of bool, shape (n_labellings, n)
            Labels of all randomised.
        residualised : array of float, shape (n_labellings, m), optional
            `Adjustment.labels` of them, where these have been made already.
        """
        if self.errors == "welch":
            return self._welch(treated[:, self.shared.seen])
        x = self.shared.labels(treated) if residualised is None else residualised
        size = np.einsum("ij,ij->i", x, x)
        size = np.where(size > _ZERO * x.shape[1], size, np.nan)
        effect = (x @ self._residual) / size
        df = float(self.response.size - self.shared.basis.shape[1] - 1)
        variance = (
            self._classical(effect, size, df) if self.errors == "ols" else self._consistent(x, effect, size)
        )
        return Tests(effect, np.sqrt(variance), np.full(effect.shape, df))

    def _classical(self, effect: FloatArray, size: FloatArray, df: float) -> FloatArray:
        rest = np.maximum(self._residual @ self._residual - effect**2 * size, 0.0)
        return np.asarray(rest / df / size)

    def _consistent(self, x: FloatArray, effect: FloatArray, size: FloatArray) -> FloatArray:
        free = 1.0 - self.shared.leverage - x**2 / size[:, None]
        free = np.where(free > 1 - _FULL_LEVERAGE, free, np.nan)
        part = x * (self._residual - effect[:, None] * x) / free
        return np.asarray(np.einsum("ij,ij->i", part, part) / size**2)

    def _welch(self, labels: np.ndarray) -> Tests:
        y, one = self._centred, labels.astype("float64")
        counts = one.sum(axis=1)
        n = np.stack([counts, labels.shape[1] - counts])
        total, square = one @ y, one @ y**2
        sums = np.stack([total, y.sum() - total])
        squares = np.stack([square, (y**2).sum() - square])
        with np.errstate(divide="ignore", invalid="ignore"):
            means = sums / n
            variances = np.maximum(squares - n * means**2, 0.0) / (n - 1) / n
            variances = np.where(n > 1, variances, np.nan)
            variance = variances.sum(axis=0)
            df = variance**2 / (variances**2 / (n - 1)).sum(axis=0)
        return Tests(means[0] - means[1], np.sqrt(variance), df)
