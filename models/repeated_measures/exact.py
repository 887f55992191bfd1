"""Closed forms and exact t tests: where the data allow them, nothing has to be iterated or approximated.

Two facts carry all of it. A direction c of the visits whose mean has parameters of its own, which also stand in the
mean of all other directions, is an ordinary regression: its contrasts have an exact t (complete data; paired and
pooled t of the change, multivariate regression). With the first of two visits seen by everybody, and each visit with
parameters of its own, the second given the first is an analysis of covariance of those seen twice: contrasts that
vanish at the first visit have its exact t (common baseline mean).

References
----------
Anderson TW. J Am Stat Assoc 1957;52:200-203. https://doi.org/10.1080/01621459.1957.10501379
Liang K-Y, Zeger SL. Sankhya B 2000;62:134-148. https://www.jstor.org/stable/25053123
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.working import Rows
    from neurotrial.models.student import FloatArray

__all__ = ["Exact", "Panel", "closed_covariance", "exact_tests", "panel"]

_RANK = 1e-9


@dataclass(frozen=True, slots=True)
class Panel:
    """The data as an array over participants and visits; the same participants are seen in every cell.

    Attributes
    ----------
    x : array of float, shape (n, n_visits, p)
        Model matrix; zero where a visit is missing.
    y : array of float, shape (n, n_visits, n_cells)
        Outcomes; zero where a visit is missing.
    seen : array of bool, shape (n, n_visits)
        Which visits there are.
    """

    x: FloatArray
    y: FloatArray
    seen: np.ndarray

    @property
    def complete(self) -> bool:
        """Whether every participant has every visit."""
        return bool(self.seen.all())

    @property
    def monotone(self) -> bool:
        """Whether there are two visits of which everybody has the first."""
        return self.seen.shape[1] == 2 and bool(self.seen[:, 0].all())  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Exact:
    """An exact t test of one linear function, for each cell.

    Attributes
    ----------
    estimate, std_error : array of float, shape (n_cells,)
        In units of the outcome.
    df : float
        Degrees of freedom.
    reason : str
        Which test it is, and why it is exact.
    """

    estimate: FloatArray
    std_error: FloatArray
    df: float
    reason: str


def panel(rows: Rows, y: FloatArray) -> Panel:
    """Spread the rows over participants and visits; `y` has shape (n_observations, n_cells), all finite."""
    n, p, cells = int(rows.participant[-1]) + 1, rows.x.shape[1], y.shape[1]
    x = np.zeros((n, rows.n_levels, p))
    values = np.zeros((n, rows.n_levels, cells))
    seen = np.zeros((n, rows.n_levels), dtype=bool)
    x[rows.participant, rows.level] = rows.x
    values[rows.participant, rows.level] = y
    seen[rows.participant, rows.level] = True
    return Panel(x, values, seen)


def closed_covariance(data: Panel, *, reml: bool) -> tuple[FloatArray, str] | None:
    """Return the unstructured covariance of each cell where it has a closed form, and its name.

    Returns
    -------
    tuple of (array of float, shape (n_cells, n_visits, n_visits), str), or None
        The maximum of the (restricted) likelihood; None where it has to be searched.
    """
    bases = [_basis(data.x[data.seen[:, visit], visit]) for visit in range(data.x.shape[1])]
    flat = data.x[data.seen]
    if np.linalg.matrix_rank(flat, tol=_tolerance(flat)) != sum(basis.shape[1] for basis in bases):
        return None
    if data.complete and all(_inside(bases[0], other) and _inside(other, bases[0]) for other in bases[1:]):
        residual = data.y - np.einsum("nr,mr,mtc->ntc", bases[0], bases[0], data.y, optimize=True)
        free = len(data.x) - (bases[0].shape[1] if reml else 0)
        products = np.einsum("nac,nbc->cab", residual, residual) / free
        return products, "multivariate regression on complete data"
    if data.monotone and _inside(bases[1], _basis(data.x[data.seen[:, 1], 0])):
        return _factored(data, bases, reml=reml), "baseline, then follow-up given baseline"
    return None


def exact_tests(data: Panel, weights: FloatArray) -> list[Exact | None]:
    """Return the exact t test of each linear function that has one, under an unstructured covariance.

    Parameters
    ----------
    data : Panel
        One panel for all cells.
    weights : array of float, shape (m, p)
        Linear functions of the coefficients.
    """
    flat = data.x[data.seen]
    rank = int(np.linalg.matrix_rank(flat, tol=_tolerance(flat)))
    found: list[Exact | None] = []
    for function in weights:
        test = _one_direction(data, function, rank) if data.complete else None
        if test is None and data.monotone:
            test = _given_baseline(data, function, rank)
        found.append(test)
    return found


def _tolerance(matrix: FloatArray) -> float:
    return _RANK * float(np.linalg.norm(matrix, 2))


def _basis(matrix: FloatArray) -> FloatArray:
    """Return an orthonormal basis of the column space."""
    left, values, _ = np.linalg.svd(matrix, full_matrices=False)
    return left[:, values > _RANK * max(values[0], np.finfo(np.float64).tiny)]


def _inside(space: FloatArray, basis: FloatArray) -> bool:
    """Say whether the columns of `basis` lie in the span of the orthonormal `space`."""
    left = basis - space @ (space.T @ basis)
    return bool(np.linalg.norm(left) < np.sqrt(_RANK))


def _factored(data: Panel, bases: list[FloatArray], *, reml: bool) -> FloatArray:
    """Return the covariance from the variance at baseline and the regression of follow-up on baseline."""
    twice = data.seen[:, 1]
    first = data.y[:, 0] - bases[0] @ (bases[0].T @ data.y[:, 0])
    variance = (first**2).sum(axis=0) / (len(first) - (bases[0].shape[1] if reml else 0))
    before, after = (
        data.y[twice, visit] - bases[1] @ (bases[1].T @ data.y[twice, visit]) for visit in (0, 1)
    )
    slope = (before * after).sum(axis=0) / (before**2).sum(axis=0)
    free = len(after) - (bases[1].shape[1] if reml else 0)
    rest = ((after - slope * before) ** 2).sum(axis=0) / free
    covariance = slope * variance
    return np.stack(
        [np.stack([variance, covariance], -1), np.stack([covariance, rest + slope * covariance], -1)], 1
    )


def _one_direction(data: Panel, function: FloatArray, rank: int) -> Exact | None:
    """Return the t test in one direction of the visits, where the others tell nothing about it."""
    n, visits, p = data.x.shape
    flat = data.x.reshape(n * visits, p)
    across = np.linalg.lstsq(flat.T, function, rcond=None)[0].reshape(n, visits)
    left, values, right = np.linalg.svd(across, full_matrices=True)
    if not _estimable(flat.T @ across.ravel(), function) or values[1] > np.sqrt(_RANK) * values[0]:
        return None
    direction, share = right[0], left[:, 0] * values[0]
    own = _basis(np.tensordot(data.x, direction, ([1], [0])))
    others = np.einsum("ntp,st->snp", data.x, right[1:]).reshape(-1, p)
    space = _basis(others)
    repeated: FloatArray = np.kron(np.eye(visits - 1), own).astype(np.float64)
    if own.shape[1] + space.shape[1] != rank or not _inside(space, repeated):
        return None
    df = n - own.shape[1]
    if df < 1:
        return None
    y = np.tensordot(data.y, direction, ([1], [0]))
    residual = y - own @ (own.T @ y)
    sd = np.sqrt((residual**2).sum(axis=0) / df)
    reason = "exact t: complete data, ordinary regression of one contrast of the visits"
    return Exact(share @ y, sd * float(np.linalg.norm(share)), float(df), reason)


def _given_baseline(data: Panel, function: FloatArray, rank: int) -> Exact | None:
    """Return the t test of the analysis of covariance of those seen twice."""
    twice = data.seen[:, 1]
    before, after = data.x[twice, 0], data.x[twice, 1]
    own = _basis(after)
    if own.shape[1] + _basis(data.x[:, 0]).shape[1] != rank or not _inside(own, _basis(before)):
        return None
    share = np.linalg.lstsq(after.T, function, rcond=None)[0]
    if not _estimable(after.T @ share, function):
        return None
    if np.abs(before.T @ share).max() > np.sqrt(_RANK) * np.linalg.norm(before) * np.linalg.norm(share):
        return None
    df = int(twice.sum()) - own.shape[1] - 1
    if df < 1:
        return None
    y0, y1 = data.y[twice, 0], data.y[twice, 1]
    rest0, rest1 = (y - own @ (own.T @ y) for y in (y0, y1))
    square = (rest0**2).sum(axis=0)
    slope = (rest0 * rest1).sum(axis=0) / square
    sd = np.sqrt(((rest1 - slope * rest0) ** 2).sum(axis=0) / df)
    spread = np.sqrt(share @ share + (share @ y0) ** 2 / square)
    reason = "exact t: analysis of covariance of the participants seen at both visits"
    return Exact(share @ (y1 - slope * y0), sd * spread, float(df), reason)


def _estimable(reached: FloatArray, function: FloatArray) -> bool:
    return bool(np.linalg.norm(reached - function) < np.sqrt(_RANK) * np.linalg.norm(function))
