"""The adjusted difference between two arms and its t statistic, for many labellings at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from neurotrial.errors import refuse

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["STATISTICS", "Adjusted", "Statistic", "adjusted"]

Statistic = Literal["hc2", "pooled"]
STATISTICS: tuple[Statistic, ...] = get_args(Statistic)

_ZERO = 1e-12


@dataclass(frozen=True, slots=True)
class Adjusted:
    """One outcome, residualised by what the analysis adjusts for.

    Attributes
    ----------
    seen : array of int, shape (m,)
        Positions of the participants with outcome, baseline and covariates.
    basis : array of float, shape (m, q)
        Orthonormal basis of intercept, baseline and covariates.
    residual : array of float, shape (m,)
        Outcome without them.
    leverage : array of float, shape (m,)
        Of the basis.
    statistic : {"hc2", "pooled"}
        How the difference is studentised.
    """

    seen: np.ndarray
    basis: FloatArray
    residual: FloatArray
    leverage: FloatArray
    statistic: Statistic

    def tests(self, labels: np.ndarray, shift: float = 0.0, observed: np.ndarray | None = None) -> FloatArray:
        """Return the t statistic of each labelling.

        Parameters
        ----------
        labels : array of bool, shape (n_labellings, n)
            Labels of all randomised.
        shift : float
            An effect that is taken out first, of the labels as `observed`.
        observed : array of bool, shape (n,)
            Needed with a shift.

        Returns
        -------
        array of float, shape (n_labellings,)
            0 where a labelling leaves nothing to compare.
        """
        x = self._residualised(labels)
        y = self.residual
        if shift and observed is not None:
            y = y - shift * self._residualised(observed[None])[0]
        size = np.einsum("ij,ij->i", x, x)
        usable = size > _ZERO * x.shape[1]
        size = np.where(usable, size, 1.0)
        effect = (x @ y) / size
        error = np.sqrt(self._variance(x, y, effect, size))
        small = ~usable | (
            np.abs(effect) * np.sqrt(size) <= _ZERO * np.sqrt(max(float(y @ y), np.finfo(float).tiny))
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(small, 0.0, effect / error)

    def estimate(self, labels: np.ndarray) -> tuple[float, float]:
        """Return the adjusted difference and its standard error for one labelling, shape (n,)."""
        x = self._residualised(labels[None])
        size = (x**2).sum(axis=1)
        effect = (x @ self.residual) / size
        return float(effect[0]), float(np.sqrt(self._variance(x, self.residual, effect, size)[0]))

    @property
    def df(self) -> int:
        """Residual degrees of freedom."""
        return int(self.seen.size - self.basis.shape[1] - 1)

    def _residualised(self, labels: np.ndarray) -> FloatArray:
        x = labels[:, self.seen].astype("float64")
        x -= (x @ self.basis) @ self.basis.T
        return x

    def _variance(self, x: FloatArray, y: FloatArray, effect: FloatArray, size: FloatArray) -> FloatArray:
        if self.statistic == "pooled":
            rest = np.maximum(y @ y - effect**2 * size, 0.0)
            return np.asarray(rest / self.df / size)
        rest = effect[:, None] * x
        np.subtract(y, rest, out=rest)
        rest *= x
        free = x / np.sqrt(size)[:, None]
        free *= free
        np.subtract(1.0 - self.leverage, free, out=free)
        if free.min() < _ZERO:
            np.maximum(free, _ZERO, out=free)
        np.divide(rest, free, out=free)
        return np.asarray(np.einsum("ij,ij->i", rest, free) / size**2)


def adjusted(values: FloatArray, explaining: FloatArray, statistic: Statistic, where: str) -> Adjusted:
    """Prepare an outcome.

    Parameters
    ----------
    values : array of float, shape (n,)
        Outcome of all randomised; NaN where it is missing.
    explaining : array of float, shape (n, k)
        Baseline and covariates of all randomised; NaN where they are missing.
    statistic : {"hc2", "pooled"}
        Heteroscedasticity-consistent (Welch's t where nothing is adjusted for), or ordinary.
    where : str
        Name of the outcome, for messages.

    Raises
    ------
    InputError
        If too few participants have everything.
    """
    seen = np.flatnonzero(np.isfinite(values) & np.isfinite(explaining).all(axis=1))
    matrix = np.column_stack([np.ones(seen.size), explaining[seen]])
    if seen.size <= matrix.shape[1] + 1:
        rule = f"{seen.size} participants with everything are too few for {matrix.shape[1] + 1} coefficients"
        raise refuse(f"outcome {where!r}", rule, "leave out covariates")
    centred = matrix - np.r_[0.0, matrix[:, 1:].mean(axis=0)]
    left, size, _ = np.linalg.svd(
        centred / np.maximum(np.linalg.norm(centred, axis=0), _ZERO), full_matrices=False
    )
    basis = left[:, size > np.sqrt(_ZERO)]
    residual = values[seen] - basis @ (basis.T @ values[seen])
    return Adjusted(seen, basis, residual, (basis**2).sum(axis=1), statistic)
