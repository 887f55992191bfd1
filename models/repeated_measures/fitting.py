"""From a checked table to a fitted model: the structure asked for, or the first of its fallbacks that can be fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import InputError, Problem
from neurotrial.models.repeated_measures.exact import Panel, closed_covariance, panel
from neurotrial.models.repeated_measures.named import HETEROGENEOUS, RANDOM, STRUCTURES, Covariance, structure
from neurotrial.models.repeated_measures.solution import Solution, solve
from neurotrial.models.repeated_measures.working import Rows, working

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.long_data import LongData
    from neurotrial.models.student import FloatArray

__all__ = ["FALLBACK", "Fitted", "exact_panel", "fit_cells", "fit_structure"]

FALLBACK: tuple[Covariance, ...] = ("us", "toeph", "ar1h", "csh", "cs")
"""The chain of ``fallback="default"``: simpler structures in turn."""

_TWO = 2
_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted structure.

    Attributes
    ----------
    solution : Solution
        One cell.
    covariance : str
        The structure that was fitted.
    exact_data : Panel or None
        Where exact t tests may exist.
    decisions : tuple of str
        Structures that could not be fitted and why; the closed form, where there is one.
    """

    solution: Solution
    covariance: Covariance
    exact_data: Panel | None
    decisions: tuple[str, ...]


def fit_structure(
    rows: Rows,
    y: FloatArray,
    long: LongData,
    wanted: Covariance,
    fallback: Sequence[Covariance],
    *,
    reml: bool,
) -> Fitted:
    """Fit a structure, or the first of the declared fallbacks that can be fitted.

    Parameters
    ----------
    rows : Rows
        Model matrix and layout.
    y : array of float, shape (n_observations, 1)
        Outcome.
    long : LongData
        Levels, times and arms.
    wanted : str
        The structure asked for.
    fallback : sequence of str
        Structures to try in turn.
    reml : bool
        Restricted likelihood, else full.

    Raises
    ------
    InputError
        If none can be fitted; with the reason of each.
    """
    failures: list[str] = []
    for name in [wanted, *(other for other in fallback if other != wanted)]:
        solution, exact_data, closed = fit_cells(rows, y, long, name, reml=reml)
        reason = solution.reasons[0] or _boundary(solution, name)
        if not reason:
            decisions = [f"{failure}; {name} was fitted instead" for failure in failures[-1:]]
            decisions = [*failures[:-1], *decisions, *([f"closed form: {closed}"] if closed else [])]
            return Fitted(solution, name, exact_data, tuple(decisions))
        failures.append(f"{STRUCTURES[name]} ({name}) could not be fitted: {reason}")
    remedy = 'choose a simpler structure, or declare a chain of simpler ones: fallback="default"'
    if wanted == "ri":
        remedy = 'use covariance="cs", which allows a negative correlation'
    raise InputError([Problem("covariance", failure, remedy) for failure in failures])


def fit_cells(
    rows: Rows, y: FloatArray, long: LongData, name: Covariance, *, reml: bool
) -> tuple[Solution, Panel | None, str]:
    """Fit one structure to outcomes that are all seen in the same rows.

    Returns
    -------
    tuple of (Solution, Panel or None, str)
        The cells, the data on which exact tests may exist, and the name of the closed form or nothing.
    """
    work = working(rows, y)
    shape = structure(name, long.levels, long.times, long.groups)
    data = exact_panel(rows, y, long, name)
    start, closed = None, ""
    if data is not None:
        residual = _working_panel(data, work.basis, work.offset, work.scale)
        found = closed_covariance(residual, reml=reml) if work.scale.all() else None
        if (
            found is not None
            and np.isfinite(found[0]).all()
            and (np.linalg.eigvalsh(found[0])[:, 0] > _EDGE).all()
        ):
            start, closed = found
        data = Panel(residual.x, data.y, data.seen)
    solution = solve(work, shape, reml=reml, start=start)
    return solution, data if reml else None, closed


def exact_panel(rows: Rows, y: FloatArray, long: LongData, name: Covariance) -> Panel | None:
    """Return the data as an array where the covariance is unrestricted and the same for all, else None."""
    unrestricted = name == "us" or (len(long.levels) == _TWO and name in HETEROGENEOUS)
    if not unrestricted or long.groups or rows.precision is not None:
        return None
    return panel(rows, y)


def _working_panel(data: Panel, basis: FloatArray, offset: FloatArray, scale: FloatArray) -> Panel:
    x = data.x @ basis
    return Panel(
        x, (data.y - x @ offset.T) * data.seen[:, :, None] / np.where(scale > 0, scale, 1.0), data.seen
    )


def _boundary(solution: Solution, name: Covariance) -> str:
    """Say whether the variances of random effects left their range."""
    if name not in RANDOM:
        return ""
    theta = dict(zip(solution.structure.names, solution.optimum.theta[0], strict=True))
    bad = [key for key, value in theta.items() if key.split(": ")[-1].startswith("var") and value <= 0]
    if bad:
        return f"the likelihood is highest where {', '.join(bad)} is negative"
    prefixes = {key.split(": ")[0] + ": " if ": " in key else "" for key in theta}
    for prefix in prefixes if name == "rs" else ():
        product = theta[f"{prefix}var(intercept)"] * theta[f"{prefix}var(slope)"]
        if theta[f"{prefix}cov(intercept, slope)"] ** 2 >= product:
            return "the likelihood is highest where the correlation of intercept and slope leaves (-1, 1)"
    return ""
