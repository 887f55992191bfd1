"""Covariance structures of repeated measures: from parameters to a matrix with its derivatives, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.correlations import Correlation
    from neurotrial.models.repeated_measures.scales import Scale
    from neurotrial.models.student import FloatArray

__all__ = ["Derivatives", "Grouped", "Linear", "Scaled", "Structure"]


@dataclass(frozen=True, slots=True)
class Derivatives:
    """A covariance matrix and its derivatives by the parameters, for each cell.

    Attributes
    ----------
    matrix : array of float, shape (n_cells, n, n)
        Covariance of the n levels (visits, times, or visits within arms).
    first : array of float, shape (n_cells or 1, n_parameters, n, n)
        First derivatives; one for all cells where the matrix is linear in its parameters.
    second : array of float, shape (n_cells, n_parameters, n_parameters, n, n), or None
        Second derivatives; None where all are zero.
    """

    matrix: FloatArray
    first: FloatArray
    second: FloatArray | None


class Structure(ABC):
    """A covariance structure in one of its parametrisations.

    Attributes
    ----------
    names : tuple of str
        Names of the parameters.
    n_levels : int
        Rows of the matrix.
    """

    names: tuple[str, ...]
    n_levels: int

    @property
    def n_parameters(self) -> int:
        """Parameters of the covariance."""
        return len(self.names)

    def active(self, levels: np.ndarray) -> slice:  # noqa: ARG002 - a grouped structure needs them
        """Return the parameters on which the matrix of these levels depends."""
        return slice(0, self.n_parameters)

    @abstractmethod
    def matrix(self, theta: FloatArray) -> FloatArray:
        """Return the covariance, shape (n_cells, n, n), of parameters of shape (n_cells, n_parameters)."""

    @abstractmethod
    def derivatives(self, theta: FloatArray) -> Derivatives:
        """Return the covariance with its first and second derivatives."""

    @abstractmethod
    def parameters(self, matrix: FloatArray) -> FloatArray:
        """Return the parameters of a covariance, exact where it has this structure, else an approximation."""


@dataclass(frozen=True)
class Linear(Structure):
    """A covariance that is linear in its parameters.

    Attributes
    ----------
    names : tuple of str
        Names of the parameters.
    basis : array of float, shape (n_parameters, n, n)
        The matrix is the sum of these, each times its parameter.
    """

    names: tuple[str, ...]
    basis: FloatArray

    @property
    def n_levels(self) -> int:  # type: ignore[override]
        """Rows of the matrix."""
        return int(self.basis.shape[1])

    def matrix(self, theta: FloatArray) -> FloatArray:
        """Return the covariance."""
        return np.tensordot(theta, self.basis, 1)

    def derivatives(self, theta: FloatArray) -> Derivatives:
        """Return the covariance and the basis."""
        return Derivatives(self.matrix(theta), self.basis[None], None)

    def parameters(self, matrix: FloatArray) -> FloatArray:
        """Return the parameters of the nearest matrix by least squares."""
        flat = self.basis.reshape(self.n_parameters, -1)
        target = matrix.reshape(len(matrix), -1)
        return np.asarray(np.linalg.lstsq(flat.T, target.T, rcond=None)[0].T, dtype=np.float64)


@dataclass(frozen=True)
class Scaled(Structure):
    """A covariance made of standard deviations and a correlation pattern.

    Attributes
    ----------
    names : tuple of str
        Names of the parameters: scale first, then correlation.
    n_levels : int
        Rows of the matrix.
    heterogeneous : bool
        Whether each level has a standard deviation of its own.
    spread : Scale
        From a parameter to the logarithm of a standard deviation.
    correlation : callable
        The pattern, see `correlations`.
    bend : Scale
        From a parameter to a correlation.
    split : callable
        From covariances to standard deviations, shape (n_cells, n_levels), and correlations, shape
        (n_cells, n_correlations).
    """

    names: tuple[str, ...]
    n_levels: int
    heterogeneous: bool
    spread: Scale
    correlation: Correlation
    bend: Scale
    split: Callable[[FloatArray], tuple[FloatArray, FloatArray]]

    @property
    def _n_scales(self) -> int:
        return self.n_levels if self.heterogeneous else 1

    def matrix(self, theta: FloatArray) -> FloatArray:
        """Return the covariance."""
        sd = self._sd(theta)
        pattern = self.correlation(self.bend.value(theta[:, self._n_scales :]))[0]
        return sd[:, :, None] * sd[:, None, :] * pattern

    def derivatives(self, theta: FloatArray) -> Derivatives:
        """Return the covariance with its first and second derivatives."""
        k, sd = self._n_scales, self._sd(theta)
        outer = sd[:, :, None] * sd[:, None, :]
        bent = theta[:, k:]
        pattern, by_rho, by_rho2 = self.correlation(self.bend.value(bent))
        slope, curve = self.bend.first(bent), self.bend.second(bent)
        by_x = by_rho * slope[:, :, None, None]
        by_x2 = by_rho2 * (slope[:, :, None] * slope[:, None, :])[..., None, None]
        diagonal = np.arange(bent.shape[1])
        by_x2[:, diagonal, diagonal] += by_rho * curve[:, :, None, None]
        matrix = outer * pattern
        touch = self._touch()
        speed = self.spread.first(theta[:, :k])[:, :, None, None] * touch
        first = np.empty((len(theta), theta.shape[1], *matrix.shape[1:]))
        first[:, :k] = speed * matrix[:, None]
        first[:, k:] = by_x * outer[:, None]
        second = np.empty((len(theta), theta.shape[1], *first.shape[1:]))
        second[:, :k, :k] = speed[:, :, None] * speed[:, None] * matrix[:, None, None]
        scales = np.arange(k)
        second[:, scales, scales] += (
            self.spread.second(theta[:, :k])[:, :, None, None] * touch * matrix[:, None]
        )
        second[:, :k, k:] = speed[:, :, None] * first[:, None, k:]
        second[:, k:, :k] = np.swapaxes(second[:, :k, k:], 1, 2)
        second[:, k:, k:] = by_x2 * outer[:, None, None]
        return Derivatives(matrix, first, second)

    def parameters(self, matrix: FloatArray) -> FloatArray:
        """Return the parameters of a covariance of this structure."""
        sd, rho = self.split(matrix)
        log_sd = np.log(sd) if self.heterogeneous else 0.5 * np.log((sd**2).mean(axis=1, keepdims=True))
        scale = self.spread.inverse(log_sd)
        return np.concatenate([scale, self.bend.inverse(rho)], axis=1)

    def _sd(self, theta: FloatArray) -> FloatArray:
        sd = np.exp(self.spread.value(theta[:, : self._n_scales]))
        return np.broadcast_to(sd, (len(theta), self.n_levels))

    def _touch(self) -> FloatArray:
        """Return how often each log sd stands in each element, shape (n_scales, n, n)."""
        if not self.heterogeneous:
            return np.full((1, self.n_levels, self.n_levels), 2.0)
        unit = np.eye(self.n_levels)
        return unit[:, :, None] + unit[:, None, :]


@dataclass(frozen=True)
class Grouped(Structure):
    """The same structure for several arms, each with parameters of its own: a block-diagonal matrix.

    Attributes
    ----------
    names : tuple of str
        Names of the parameters, arm by arm.
    one : Structure
        The structure of one arm.
    n_groups : int
        Arms.
    """

    names: tuple[str, ...]
    one: Structure
    n_groups: int

    @property
    def n_levels(self) -> int:  # type: ignore[override]
        """Rows of the matrix."""
        return self.n_groups * self.one.n_levels

    def active(self, levels: np.ndarray) -> slice:
        """Return the parameters of the arm that these levels belong to."""
        group, k = int(levels[0]) // self.one.n_levels, self.one.n_parameters
        return slice(group * k, (group + 1) * k)

    def matrix(self, theta: FloatArray) -> FloatArray:
        """Return the covariance."""
        whole = np.zeros((len(theta), self.n_levels, self.n_levels))
        for block, part in self._parts(theta):
            whole[:, block, block] = self.one.matrix(part)
        return whole

    def derivatives(self, theta: FloatArray) -> Derivatives:
        """Return the covariance with its first and second derivatives."""
        cells, k, n = len(theta), self.one.n_parameters, self.n_levels
        matrix = np.zeros((cells, n, n))
        first = np.zeros((cells, self.n_groups * k, n, n))
        second = None
        for group, (block, part) in enumerate(self._parts(theta)):
            one, own = self.one.derivatives(part), slice(group * k, (group + 1) * k)
            matrix[:, block, block] = one.matrix
            first[:, own, block, block] = one.first
            if one.second is not None:
                if second is None:
                    second = np.zeros((cells, self.n_groups * k, self.n_groups * k, n, n))
                second[:, own, own, block, block] = one.second
        return Derivatives(matrix, first, second)

    def parameters(self, matrix: FloatArray) -> FloatArray:
        """Return the parameters of the blocks."""
        n = self.one.n_levels
        blocks = [slice(g * n, (g + 1) * n) for g in range(self.n_groups)]
        return np.concatenate([self.one.parameters(matrix[:, block, block]) for block in blocks], axis=1)

    def _parts(self, theta: FloatArray) -> list[tuple[slice, FloatArray]]:
        n, k = self.one.n_levels, self.one.n_parameters
        return [(slice(g * n, (g + 1) * n), theta[:, g * k : (g + 1) * k]) for g in range(self.n_groups)]
