"""The reference grid: the rows of the model matrix at which least-squares means are taken, and their weights."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.repeated_measures.functions import Label

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.design_matrix import DesignMatrix
    from neurotrial.models.student import FloatArray

__all__ = ["GridWeights", "mean_functions"]

GridWeights = Literal["equal", "observed"]
"""How the other factors are averaged: every level alike, or as often as in the rows of the fit."""

_MOST_CELLS = 20_000


def mean_functions(
    design: DesignMatrix,
    frame: pd.DataFrame,
    factor: str,
    by: str | None,
    *,
    at: Mapping[str, float | str] | None = None,
    weights: GridWeights | Mapping[str, Mapping[str, float]] = "equal",
    visit: str = "",
) -> tuple[FloatArray, tuple[Label, ...]]:
    """Return the linear functions of the least-squares means.

    Parameters
    ----------
    design : DesignMatrix
        With the rule that makes the columns.
    frame : DataFrame
        Rows of the fit.
    factor : str
        The factor whose levels get a mean.
    by : str, optional
        A second factor; a mean for each of its levels.
    at : mapping, optional
        Values of other columns; numbers are at their mean over the rows of the fit by default.
    weights : {"equal", "observed"} or mapping
        How the remaining factors are averaged; a mapping gives weights of the levels for some of them.
    visit : str
        Name of the visit, for the labels.

    Returns
    -------
    tuple of (array of float, shape (m, p), tuple of Label)
        A row for each level of `by` and, within it, of `factor`.

    Raises
    ------
    InputError
        If a name is no factor of the formula, a level does not exist, weights do not fit, or the grid is too large.
    """
    fixed = dict(at or {})
    _check(design, factor, by, fixed, weights)
    split = [name for name in (by, factor) if name]
    rest = [name for name in design.factors if name not in split and name not in fixed]
    axes = {name: design.factors[name] for name in [*split, *rest]}
    size = int(np.prod([len(levels) for levels in axes.values()]))
    if size > _MOST_CELLS:
        rule = f"the grid of all factors has {size} cells, more than {_MOST_CELLS}"
        raise refuse("emmeans", rule, "fix some factors by at={...}")
    grid = pd.DataFrame(list(itertools.product(*axes.values())), columns=list(axes))
    for name, value in {**design.means, **fixed}.items():
        grid[name] = value
    rows = design.rows(grid)
    share = np.ones(len(grid))
    for name in rest:
        share *= grid[name].map(_level_weights(design, frame, name, weights)).to_numpy(dtype="float64")
    found, labels = [], []
    for within in design.factors[by] if by else ("",):
        for level in design.factors[factor]:
            chosen = (grid[factor] == level).to_numpy()
            if by:
                chosen = chosen & (grid[by] == within).to_numpy()
            found.append(share[chosen] @ rows[chosen])
            labels.append(_label(factor, by, level, within, visit))
    return np.array(found), tuple(labels)


def _label(factor: str, by: str | None, level: str, within: str, visit: str) -> Label:
    at_visit = within if by == visit else level if factor == visit else ""
    names = [name for name, of in ((level, factor), (within, by)) if name and of != visit]
    return Label("lsmean", f"mean @ {', '.join(names)}" if names else "mean", at_visit, level, within)


def _level_weights(
    design: DesignMatrix,
    frame: pd.DataFrame,
    name: str,
    weights: GridWeights | Mapping[str, Mapping[str, float]],
) -> dict[str, float]:
    levels = design.factors[name]
    if isinstance(weights, str) and weights == "observed":
        counts = frame[name].astype(str).value_counts(normalize=True)
        return {level: float(counts.get(level, 0.0)) for level in levels}
    if not isinstance(weights, str) and name in weights:
        total = sum(weights[name].values())
        return {level: weights[name][level] / total for level in levels}
    return dict.fromkeys(levels, 1 / len(levels))


def _check(
    design: DesignMatrix,
    factor: str,
    by: str | None,
    fixed: Mapping[str, float | str],
    weights: GridWeights | Mapping[str, Mapping[str, float]],
) -> None:
    problems = []
    known = ", ".join(design.factors) or "none"
    for name in [factor, *([by] if by else [])]:
        if name not in design.factors:
            rule = f"{name!r} is not a factor of the formula"
            problems.append(Problem("emmeans", rule, f"use one of: {known}"))
        elif name in fixed:
            problems.append(Problem("at", f"{name!r} is the factor of the means", "leave it out of at"))
    for name, value in fixed.items():
        problems += _at_problems(design, name, value)
    problems += _weight_problems(design, weights)
    if problems:
        raise InputError(problems)


def _at_problems(design: DesignMatrix, name: str, value: float | str) -> list[Problem]:
    if name in design.factors:
        levels = design.factors[name]
        if str(value) in levels:
            return []
        return [Problem("at", f"{value!r} is no level of {name!r}", f"use one of: {', '.join(levels)}")]
    if name not in design.means:
        columns = ", ".join([*design.factors, *design.means])
        return [Problem("at", f"{name!r} is not in the formula", f"use one of: {columns}")]
    if isinstance(value, str) or not np.isfinite(value):
        return [Problem("at", f"{name!r} is a number, not {value!r}", "give a finite number")]
    return []


def _weight_problems(
    design: DesignMatrix, weights: GridWeights | Mapping[str, Mapping[str, float]]
) -> list[Problem]:
    if isinstance(weights, str):
        if weights in {"equal", "observed"}:
            return []
        return [Problem("weights", f"{weights!r} is not known", 'use "equal", "observed", or a mapping')]
    problems: list[Problem] = []
    for name, shares in weights.items():
        levels: Sequence[str] = design.factors.get(name, ())
        wrong = not levels or set(shares) != set(levels)
        if wrong or min(shares.values()) < 0 or not 0 < sum(shares.values()) < np.inf:
            rule = f"the weights of {name!r} do not fit its levels ({', '.join(levels) or 'no factor'})"
            problems.append(Problem("weights", rule, "give each level a number of 0 or more"))
    return problems
