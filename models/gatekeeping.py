"""Graphical multiple testing: weights that pass from a rejected hypothesis to others; fixed sequence as its special case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from neurotrial.errors import InputError, Problem

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["GraphicalTest", "graphical"]

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class GraphicalTest:
    """The outcome of a graphical procedure.

    Attributes
    ----------
    table : DataFrame
        A row for each hypothesis: hypothesis, weight (at the start), p_value, p_adjusted, rejected, step (at which it was
        taken from the graph, from 1).
    alpha : float
        Familywise level of `rejected`.
    weights : array of float, shape (n,)
        Of the hypotheses that are left at `alpha`; 0 for those rejected.
    transitions : array of float, shape (n, n)
        Of the graph that is left at `alpha`.
    """

    table: pd.DataFrame
    alpha: float
    weights: FloatArray
    transitions: FloatArray

    def tidy(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def graphical(
    p_values: npt.ArrayLike,
    weights: npt.ArrayLike,
    transitions: npt.ArrayLike,
    *,
    alpha: float = 0.05,
    names: Sequence[str] | None = None,
) -> GraphicalTest:
    """Test hypotheses by a sequentially rejective graph, each step a weighted Bonferroni test.

    Parameters
    ----------
    p_values : array_like, shape (n,)
        Between 0 and 1; NaN for a hypothesis that could not be tested, which counts as p = 1.
    weights : array_like, shape (n,)
        Share of alpha that each hypothesis has at the start; not negative, sum at most 1.
    transitions : array_like, shape (n, n)
        Share of its weight that a rejected hypothesis (row) passes to each other one (column); not negative, 0 on the
        diagonal, rows sum to at most 1.
    alpha : float
        Familywise level, in (0, 1).
    names : sequence of str, optional
        Names of the hypotheses; H1, H2, ... by default.

    Returns
    -------
    GraphicalTest
        Adjusted p-values do not depend on `alpha`.

    Raises
    ------
    InputError
        If a number is out of its range or the shapes do not fit.

    References
    ----------
    Bretz F, Maurer W, Brannath W, Posch M. Stat Med 2009;28:586-604. https://doi.org/10.1002/sim.3495

    Examples
    --------
    Two primary hypotheses, each passing its weight to a secondary one first:

    >>> found = graphical([0.01, 0.2, 0.02, 0.3], [0.5, 0.5, 0, 0],
    ...                   [[0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]])
    >>> found.table["p_adjusted"].tolist()
    [0.02, 0.2, 0.04, 0.3]
    """
    p, w, g = (np.array(given, dtype="float64") for given in (p_values, weights, transitions))
    labels = [f"H{k + 1}" for k in range(p.size)] if names is None else [str(name) for name in names]
    _check(p, w, g, alpha, labels)
    order, adjusted, graphs = _sequence(np.where(np.isnan(p), 1.0, p), w, g)
    rejected = adjusted <= alpha
    left_weights, left = graphs[int(rejected.sum())]
    step = np.empty(p.size, dtype="int64")
    step[order] = np.arange(1, p.size + 1)
    table = pd.DataFrame(
        {
            "hypothesis": labels,
            "weight": w,
            "p_value": p,
            "p_adjusted": np.where(np.isnan(p), np.nan, adjusted),
            "rejected": rejected,
            "step": step,
        }
    )
    return GraphicalTest(table, alpha, left_weights, left)


def _sequence(
    p: FloatArray, weights: FloatArray, transitions: FloatArray
) -> tuple[list[int], FloatArray, list[tuple[FloatArray, FloatArray]]]:
    """Return the order in which hypotheses leave the graph, their adjusted p-values, and the graph before each step."""
    w, g = weights.copy(), transitions.copy()
    left, order = list(range(p.size)), []
    adjusted, highest = np.ones(p.size), 0.0
    graphs = [(w.copy(), g.copy())]
    while left:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(w[left] > 0, p[left] / w[left], np.inf)
        at = left[int(np.argmin(ratio))]
        highest = min(1.0, max(highest, float(ratio.min())))
        adjusted[at] = highest
        order.append(at)
        left.remove(at)
        w, g = _without(w, g, at, left)
        graphs.append((w.copy(), g.copy()))
    return order, adjusted, graphs


def _without(w: FloatArray, g: FloatArray, gone: int, left: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Return the graph without a hypothesis: its weight and its edges pass on."""
    new_w, new_g = np.zeros_like(w), np.zeros_like(g)
    for j in left:
        new_w[j] = w[j] + w[gone] * g[gone, j]
        loop = 1 - g[j, gone] * g[gone, j]
        for k in left:
            if j != k and loop > _ROUNDING:
                new_g[j, k] = (g[j, k] + g[j, gone] * g[gone, k]) / loop
    return new_w, new_g


def _check(p: FloatArray, w: FloatArray, g: FloatArray, alpha: float, labels: Sequence[str]) -> None:
    n, problems = p.size, []
    if p.ndim != 1 or w.shape != (n,) or g.shape != (n, n) or len(labels) != n or not n:
        rule = f"have shapes {p.shape}, {w.shape} and {g.shape}, with {len(labels)} names"
        raise InputError([Problem("p_values, weights, transitions", rule, "give n, n and n by n numbers")])
    bad = [f"{name}: {value:g}" for name, value in zip(labels, p, strict=True) if value < 0 or value > 1]
    if bad:
        problems.append(Problem("p_values", "must lie between 0 and 1", "correct them", tuple(bad)))
    if not (w >= 0).all() or w.sum() > 1 + _ROUNDING:
        rule = f"must not be negative and sum to at most 1; they sum to {w.sum():g}"
        problems.append(Problem("weights", rule, "give each hypothesis its share of alpha"))
    rows = [
        f"{name}: {row.sum():g}" for name, row in zip(labels, g, strict=True) if row.sum() > 1 + _ROUNDING
    ]
    if not (g >= 0).all() or np.diag(g).any() or rows:
        rule = "must not be negative, 0 on the diagonal, and sum to at most 1 in each row"
        problems.append(Problem("transitions", rule, "correct the shares that are passed on", tuple(rows)))
    if not 0 < alpha < 1:
        problems.append(Problem("alpha", f"{alpha:g} is not between 0 and 1", "give a share, e.g. 0.05"))
    if problems:
        raise InputError(problems)
