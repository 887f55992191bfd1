"""The covariance structures by their names, each in the parametrisation that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from neurotrial.models.repeated_measures import correlations, scales
from neurotrial.models.repeated_measures.structures import Grouped, Linear, Scaled, Structure

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["HETEROGENEOUS", "NEEDS_TIME", "RANDOM", "STRUCTURES", "Covariance", "Parameters", "structure"]

Covariance = Literal[
    "us",
    "cs",
    "csh",
    "ar1",
    "ar1h",
    "toep",
    "toeph",
    "ad",
    "adh",
    "sp_exp",
    "ri",
    "rs",
    "rs_uncorrelated",
    "id",
]
Parameters = Literal["natural", "mmrm", "sas"]
"""``natural``: in which the model is fitted, linear where the structure is; the others as in those programs."""

STRUCTURES: dict[Covariance, str] = {
    "us": "unstructured",
    "cs": "compound symmetry",
    "csh": "heterogeneous compound symmetry",
    "ar1": "first-order autoregressive",
    "ar1h": "heterogeneous first-order autoregressive",
    "toep": "Toeplitz",
    "toeph": "heterogeneous Toeplitz",
    "ad": "ante-dependence",
    "adh": "heterogeneous ante-dependence",
    "sp_exp": "exponential in time",
    "ri": "random intercept",
    "rs": "random intercept and slope",
    "rs_uncorrelated": "uncorrelated random intercept and slope",
    "id": "independence",
}
"""The structures and what they are called in prose."""

HETEROGENEOUS = frozenset({"csh", "ar1h", "toeph", "adh"})
RANDOM = frozenset({"ri", "rs", "rs_uncorrelated"})
NEEDS_TIME = frozenset({"sp_exp", "rs", "rs_uncorrelated"})
_CLEAR = 1e-3
"""Correlation above which a pair of visits tells something of the decay with distance."""

_STEPS = 4.0
"""Share of the whole time span that is the unit of distance in the fit, so that the correlation there is neither 0 nor 1."""

_HALF_LIFE = _STEPS * np.log(0.5)
"""Decay over the whole span to begin with where no pair is correlated."""

LINEAR = frozenset({"us", "cs", "toep", "id"}) | RANDOM


def structure(
    name: Covariance,
    levels: Sequence[str],
    times: FloatArray | None,
    groups: Sequence[str] = (),
    parameters: Parameters = "natural",
) -> Structure:
    """Return a covariance structure.

    Parameters
    ----------
    name : str
        One of `STRUCTURES`.
    levels : sequence of str
        The visits (or distinct times) in order, at least two.
    times : array of float, shape (n_levels,), or None
        Their times; for ``sp_exp``, ``rs`` and ``rs_uncorrelated``.
    groups : sequence of str
        Arms that have parameters of their own; empty for one set.
    parameters : {"natural", "mmrm", "sas"}
        The parametrisation; the matrices are the same, their second derivatives are not.

    Returns
    -------
    Structure
        With ``natural``: elements of the matrix where it is linear in them, else log standard deviations and
        transformed correlations.

    Raises
    ------
    KeyError
        If ``mmrm`` does not have the structure.
    """
    if parameters == "sas":
        one = _scaled(name, levels, times, "sas") if name not in LINEAR else _linear(name, levels, times)
    elif parameters == "mmrm" or name not in LINEAR:
        one = _scaled(name, levels, times, parameters)
    else:
        one = _linear(name, levels, times)
    if not groups:
        return one
    names = tuple(f"{group}: {parameter}" for group in groups for parameter in one.names)
    return Grouped(names, one, len(groups))


def _linear(name: str, levels: Sequence[str], times: FloatArray | None) -> Linear:
    n = len(levels)
    eye, ones = np.eye(n), np.ones((n, n))
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    t = np.zeros(n) if times is None else times
    cross = np.add.outer(t, t)
    parts: dict[str, FloatArray]
    if name == "us":
        parts = {
            f"cov({levels[a]}, {levels[b]})" if a != b else f"var({levels[a]})": _pair(n, a, b)
            for a in range(n)
            for b in range(a + 1)
        }
    elif name == "toep":
        parts = {f"cov(lag {d})" if d else "variance": (lag == d).astype("float64") for d in range(n)}
    else:
        known: dict[str, dict[str, FloatArray]] = {
            "id": {"variance": eye},
            "cs": {"covariance": ones, "variance - covariance": eye},
            "ri": {"var(intercept)": ones, "var(residual)": eye},
            "rs": {
                "var(intercept)": ones,
                "cov(intercept, slope)": cross,
                "var(slope)": np.outer(t, t),
                "var(residual)": eye,
            },
            "rs_uncorrelated": {"var(intercept)": ones, "var(slope)": np.outer(t, t), "var(residual)": eye},
        }
        parts = known[name]
    return Linear(tuple(parts), np.array(list(parts.values())))


def _pair(n: int, a: int, b: int) -> FloatArray:
    matrix = np.zeros((n, n))
    matrix[a, b] = matrix[b, a] = 1.0
    return matrix


def _scaled(name: str, levels: Sequence[str], times: FloatArray | None, parameters: Parameters) -> Scaled:
    n, sas = len(levels), parameters == "sas"
    heterogeneous = name in HETEROGENEOUS or name == "us"
    spread = scales.VARIANCE if sas else scales.LOG_VARIANCE if name == "sp_exp" else scales.LOG_SD
    symbol = "var" if sas else "log var" if name == "sp_exp" else "log sd"
    scale_names = [f"{symbol}({level})" for level in levels] if heterogeneous else [symbol]
    kind = name.removesuffix("h") if name in HETEROGENEOUS else name
    unit = 1.0 if times is None or parameters != "natural" else float(np.ptp(times)) / _STEPS
    pattern, bend, split, rho_names = _pattern(kind, levels, times, unit)
    if sas:
        bend = scales.RANGE if name == "sp_exp" else scales.IDENTITY
    return Scaled((*scale_names, *rho_names), n, heterogeneous, spread, pattern, bend, split)


_Pattern = tuple[
    correlations.Correlation,
    scales.Scale,
    Callable[["FloatArray"], tuple["FloatArray", "FloatArray"]],
    list[str],
]


def _pattern(kind: str, levels: Sequence[str], times: FloatArray | None, unit: float) -> _Pattern:
    n = len(levels)
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    if kind == "cs":
        return correlations.exchangeable(n), scales.above(-1 / (n - 1)), _by_bands([lag > 0]), ["cor"]
    if kind == "ar1":
        return correlations.power(lag.astype("float64")), scales.BOUNDED, _by_bands([lag == 1]), ["cor"]
    if kind == "toep":
        bands = [lag == d for d in range(1, n)]
        return (
            correlations.banded(n),
            scales.BOUNDED,
            _by_bands(bands),
            [f"cor(lag {d})" for d in range(1, n)],
        )
    if kind == "ad":
        names = [f"cor({levels[k]}, {levels[k + 1]})" for k in range(n - 1)]
        return correlations.antedependent(n), scales.BOUNDED, _neighbours, names
    if kind == "sp_exp" and times is not None:
        distances = np.abs(np.subtract.outer(times, times)) / unit
        return (
            correlations.power(distances),
            scales.LOGIT,
            _by_distance(distances),
            [f"cor(distance {unit:g})"],
        )
    if kind == "us":
        names = [f"L({levels[a]}, {levels[b]})" for a in range(n) for b in range(a)]
        return correlations.cholesky(n), scales.IDENTITY, _cholesky_parts, names
    raise KeyError(kind)


def _correlation(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    sd = np.sqrt(np.diagonal(matrix, axis1=1, axis2=2))
    return sd, matrix / (sd[:, :, None] * sd[:, None, :])


def _by_bands(bands: Sequence[np.ndarray]) -> Callable[[FloatArray], tuple[FloatArray, FloatArray]]:
    def split(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
        sd, rho = _correlation(matrix)
        return sd, np.stack([rho[:, band].mean(axis=1) for band in bands], axis=1)

    return split


def _neighbours(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    sd, rho = _correlation(matrix)
    return sd, np.diagonal(rho, offset=1, axis1=1, axis2=2)


def _by_distance(distances: FloatArray) -> Callable[[FloatArray], tuple[FloatArray, FloatArray]]:
    """Return the split of exp(-rate * distance): the rate from all pairs that are clearly correlated."""
    upper = np.triu(distances > 0, 1)

    def split(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
        sd, rho = _correlation(matrix)
        clear = upper & (rho > _CLEAR) & (rho < 1)
        log_rho = np.where(clear, np.log(np.where(clear, rho, 1.0)), 0.0).sum(axis=(1, 2))
        length = (clear * distances).sum(axis=(1, 2))
        rate = np.where(length > 0, log_rho / np.where(length > 0, length, 1.0), _HALF_LIFE / distances.max())
        return sd, np.exp(rate)[:, None]

    return split


def _cholesky_parts(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    root = np.linalg.cholesky(matrix)
    sd = np.diagonal(root, axis1=1, axis2=2)
    rows, columns = np.tril_indices(matrix.shape[1], -1)
    return sd, (root / sd[:, :, None])[:, rows, columns]
