"""From a checked table to a fitted model: the structure asked for, or the first of its fallbacks that can be fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import InputError, Problem
from neurotrial.models.repeated_measures.exact import Panel, closed_covariance, panel
from neurotrial.models.repeated_measures.named import HETEROGENEOUS, RANDOM, STRUCTURES, Covariance, structure
from neurotrial.models.repeated_measures.solution import Solution, solve
from neurotrial.models.repeated_measures.working import Rows, Working, working

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.long_data import LongData
    from neurotrial.models.student import FloatArray

__all__ = ["FALLBACK", "Fitted", "fit_cells", "fit_structure", "out_of_range", "seen_rows"]

FALLBACK: tuple[Covariance, ...] = ("us", "toeph", "ar1h", "csh", "cs")
"""The chain of ``fallback="default"``: simpler structures in turn."""

_TWO = 2
_EDGE = 1e-6
_PAIRS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Fitted:
    """Fitted cells of one structure.

    Attributes
    ----------
    solution : Solution
        The cells.
    covariance : str
        The structure that was fitted.
    exact_parts : tuple of (array of int, Panel)
        Cells that are seen in the same rows, and their data with the working model matrix: where exact t tests may
        exist.
    decisions : tuple of str
        Structures that could not be fitted and why; the closed form, where there is one.
    """

    solution: Solution
    covariance: Covariance
    exact_parts: tuple[tuple[np.ndarray, Panel], ...]
    decisions: tuple[str, ...] = ()


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
        fitted = fit_cells(rows, y, long, name, reml=reml)
        reason = fitted.solution.reasons[0] or out_of_range(fitted.solution, name, 0)
        if not reason:
            said = [*failures[:-1], *(f"{failure}; {name} was fitted instead" for failure in failures[-1:])]
            return replace(fitted, decisions=(*said, *fitted.decisions))
        reason += _unseen_pairs(rows, long) if name == "us" else ""
        failures.append(f"{STRUCTURES[name]} ({name}) could not be fitted: {reason}")
    remedy = 'choose a simpler structure, or declare a chain of simpler ones: fallback="default"'
    if wanted == "ri":
        remedy = 'use covariance="cs", which allows a negative correlation'
    raise InputError([Problem("covariance", failure, remedy) for failure in failures])


def fit_cells(
    rows: Rows,
    y: FloatArray,
    long: LongData,
    name: Covariance,
    *,
    reml: bool,
    replicates: FloatArray | None = None,
) -> Fitted:
    """Fit one structure to many outcomes.

    Parameters
    ----------
    rows : Rows
        Model matrix and layout.
    y : array of float, shape (n_observations, n_cells)
        Outcomes; NaN leaves a row out of that cell.
    long : LongData
        Levels, times and arms.
    name : str
        The structure.
    reml : bool
        Restricted likelihood, else full.
    replicates : array of float, shape (n_participants, n_cells), optional
        How often each participant counts.

    Returns
    -------
    Fitted
        Cells that could not be fitted have a reason in ``solution.reasons``.
    """
    finite = np.isfinite(y)
    if replicates is None and finite[:, 0].any() and (finite == finite[:, :1]).all():
        rows, y = seen_rows(rows, finite[:, 0]), y[finite[:, 0]]
    work = working(rows, y, replicates)
    parts = (
        tuple(_exact_parts(rows, y, work)) if replicates is None and _unrestricted(rows, long, name) else ()
    )
    start, closed = None, ""
    if len(parts) == 1 and len(parts[0][0]) == y.shape[1] and work.scale.all():
        start, closed = _closed_start(parts[0][1], work, reml=reml)
    shape = structure(name, long.levels, long.times, long.groups)
    solution = solve(work, shape, reml=reml, start=start)
    return Fitted(solution, name, parts if reml else (), (f"closed form: {closed}",) if closed else ())


def _unseen_pairs(rows: Rows, long: LongData) -> str:
    """Name the visits at which nobody was seen twice, in words that go on; empty where there are none."""
    n = len(long.levels)
    seen = np.zeros((rows.participant[-1] + 1, rows.n_levels))
    seen[rows.participant, rows.level] = 1.0
    together = seen.T @ seen
    pairs = [
        f"{long.levels[a % n]} and {long.levels[b % n]}{f' in {long.groups[a // n]}' if long.groups else ''}"
        for a, b in np.argwhere(np.tril(together == 0, -1))
        if a // n == b // n
    ]
    return f" (nobody was seen at both {'; '.join(pairs[:_PAIRS_SHOWN])})" if pairs else ""


def seen_rows(rows: Rows, seen: np.ndarray) -> Rows:
    """Return some of the rows, with the participants that they leave numbered anew."""
    if seen.all():
        return rows
    number = np.unique(rows.participant[seen], return_inverse=True)[1]
    precision = None if rows.precision is None else rows.precision[seen]
    return Rows(rows.x[seen], number, rows.level[seen], rows.n_levels, precision)


def out_of_range(solution: Solution, name: Covariance, cell: int) -> str:
    """Say whether the variances of random effects left their range; empty where they did not."""
    if name not in RANDOM:
        return ""
    theta = dict(zip(solution.structure.names, solution.optimum.theta[cell], strict=True))
    bad = [key for key, value in theta.items() if key.split(": ")[-1].startswith("var") and value <= 0]
    if bad:
        return f"the likelihood is highest where {', '.join(bad)} is negative"
    prefixes = {key.split(": ")[0] + ": " if ": " in key else "" for key in theta}
    for prefix in prefixes if name == "rs" else ():
        product = theta[f"{prefix}var(intercept)"] * theta[f"{prefix}var(slope)"]
        if theta[f"{prefix}cov(intercept, slope)"] ** 2 >= product:
            return "the likelihood is highest where the correlation of intercept and slope leaves (-1, 1)"
    return ""


def _unrestricted(rows: Rows, long: LongData, name: Covariance) -> bool:
    """Say whether the covariance is unrestricted and the same for all, as the closed forms need it."""
    free = name == "us" or (len(long.levels) == _TWO and name in HETEROGENEOUS)
    return free and not long.groups and rows.precision is None


def _exact_parts(rows: Rows, y: FloatArray, work: Working) -> Iterator[tuple[np.ndarray, Panel]]:
    turned = Rows(rows.x @ work.basis, rows.participant, rows.level, rows.n_levels)
    finite = np.isfinite(y)
    if (finite == finite[:, :1]).all():
        chosen = np.arange(y.shape[1])
        yield chosen, panel(seen_rows(turned, finite[:, 0]), y[finite[:, 0]])
        return
    _, first, code = np.unique(np.packbits(finite, axis=0), axis=1, return_index=True, return_inverse=True)
    for kind, cell in enumerate(first):
        chosen, seen = np.flatnonzero(code.ravel() == kind), finite[:, cell]
        if seen.any():
            yield chosen, panel(seen_rows(turned, seen), y[np.ix_(seen, chosen)])


def _closed_start(data: Panel, work: Working, *, reml: bool) -> tuple[FloatArray | None, str]:
    """Return the covariance in closed form on the working scale, and the name of the form."""
    residual = (data.y - data.x @ work.offset.T) * data.seen[:, :, None] / work.scale
    found = closed_covariance(Panel(data.x, residual, data.seen), reml=reml)
    if found is None or not np.isfinite(found[0]).all():
        return None, ""
    if (np.linalg.eigvalsh(found[0])[:, 0] < _EDGE).any():
        return None, ""
    return found
