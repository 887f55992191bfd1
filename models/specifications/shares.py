"""How much of the variance of the estimates each decision explains."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from math import factorial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["shares_of_variance"]


def shares_of_variance(estimates: FloatArray, options: pd.DataFrame) -> pd.DataFrame:
    """Share out the variance of the estimates among the decisions.

    Parameters
    ----------
    estimates : array of float, shape (n_specifications,)
        Finite, in one unit.
    options : DataFrame, shape (n_specifications, n_decisions)
        Option of each decision.

    Returns
    -------
    DataFrame
        decision, share (in [0, 1]), range (largest difference between mean estimates of its options). The share is the
        mean increase of R squared over all orders in which main effects can enter (Shapley value), so that shares add
        up where constraints make decisions depend on each other; what is left is the row ``interactions``.

    References
    ----------
    Groemping U. J Stat Softw 2006;17(1):1-27. https://doi.org/10.18637/jss.v017.i01
    """
    names = [str(name) for name in options]
    total = float(((estimates - estimates.mean()) ** 2).sum())
    ranges = [
        float(np.ptp(pd.Series(estimates).groupby(options[name].to_numpy()).mean())) for name in options
    ]
    scale = float(np.abs(estimates).max())
    if total <= (np.finfo(float).eps * scale) ** 2 * len(estimates):
        explained = dict.fromkeys(_subsets(names), 0.0)
    else:
        blocks = {name: pd.get_dummies(options[name], dtype="float64").to_numpy() for name in names}
        explained = {chosen: _explained(estimates, blocks, chosen) / total for chosen in _subsets(names)}
    shares = [_shapley(name, names, explained) for name in names]
    rest = max(0.0, 1 - explained[tuple(names)]) if total else 0.0
    return pd.DataFrame(
        {"decision": [*names, "interactions"], "share": [*shares, rest], "range": [*ranges, np.nan]}
    )


def _subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    return [chosen for size in range(len(names) + 1) for chosen in itertools.combinations(names, size)]


def _explained(estimates: FloatArray, blocks: Mapping[str, FloatArray], chosen: tuple[str, ...]) -> float:
    matrix = np.column_stack([np.ones(len(estimates)), *(blocks[name] for name in chosen)])
    cross = matrix.T @ matrix
    solution = np.linalg.lstsq(cross, matrix.T @ estimates, rcond=1e-10)[0]
    return float(((matrix @ solution - estimates.mean()) ** 2).sum())


def _shapley(name: str, names: Sequence[str], explained: Mapping[tuple[str, ...], float]) -> float:
    others, k, share = [other for other in names if other != name], len(names), 0.0
    for chosen in _subsets(others):
        weight = factorial(len(chosen)) * factorial(k - len(chosen) - 1) / factorial(k)
        joined = tuple(other for other in names if other in (*chosen, name))
        share += weight * (explained[joined] - explained[chosen])
    return max(0.0, share)
