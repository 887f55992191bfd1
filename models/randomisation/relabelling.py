"""Counting relabellings: how often they reach the observed statistics, singly and as maxima over outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse
from neurotrial.models.permutation import TIE_MARGIN

if TYPE_CHECKING:
    from neurotrial.models.permutation import Seed
    from neurotrial.models.randomisation.adjusted import Adjusted
    from neurotrial.models.randomisation.allocation import Labels
    from neurotrial.models.student import FloatArray

__all__ = ["Relabelled", "p_value", "reached", "relabelled", "step_down"]


@dataclass(frozen=True, slots=True)
class Relabelled:
    """Statistics of relabellings.

    Attributes
    ----------
    observed : array of float, shape (m,)
        Of the labels as they were drawn.
    statistics : array of float, shape (n_labellings, m)
        Of the relabellings; the observed one is among them if `exact`.
    exact : bool
        Whether every distinct labelling was counted.
    labels : array of bool, shape (n_labellings, n)
        The labellings.
    """

    observed: FloatArray
    statistics: FloatArray
    exact: bool
    labels: np.ndarray


def relabelled(outcomes: Sequence[Adjusted], labels: Labels, n_resamples: int, seed: Seed) -> Relabelled:
    """Compute the statistics of all distinct labellings where there are no more than `n_resamples`, else of so many.

    Raises
    ------
    InputError
        If `n_resamples` is less than 1.
    """
    if n_resamples < 1:
        raise refuse("n_resamples", f"{n_resamples} relabellings are too few", "draw 999 or more")
    exact = labels.n_distinct <= n_resamples
    batches = list(labels.every() if exact else labels.drawn(n_resamples, seed))
    parts = [np.column_stack([one.tests(batch) for one in outcomes]) for batch in batches]
    observed = np.array([one.tests(labels.treated[None])[0] for one in outcomes])
    return Relabelled(observed, np.vstack(parts), exact, np.vstack(batches))


def reached(statistics: FloatArray, observed: float) -> np.ndarray:
    """Say which statistics are at least as large as the observed one, in absolute value; rounding makes no difference."""
    return np.asarray(np.abs(statistics) >= abs(observed) * (1 - TIE_MARGIN))


def p_value(counted: np.ndarray, *, exact: bool) -> tuple[float, float]:
    """Return a p-value and its Monte Carlo standard error (0 where exact), from which labellings reach the observed.

    Drawn labellings give (count + 1) / (number + 1), after Phipson and Smyth.
    """
    total, count = counted.size, int(counted.sum())
    if exact:
        return count / total, 0.0
    share = (count + 1) / (total + 1)
    return share, float(np.sqrt(total * share * (1 - share)) / (total + 1))


def step_down(found: Relabelled) -> FloatArray:
    """Return step-down maxT adjusted p-values after Westfall and Young, shape (m,).

    References
    ----------
    Westfall PH, Young SS. Resampling-based multiple testing. Wiley, 1993.
    """
    size, all_sizes = np.abs(found.observed), np.abs(found.statistics)
    order = np.argsort(-size, kind="stable")
    adjusted, highest = np.empty(size.size), 0.0
    for place, outcome in enumerate(order):
        largest = all_sizes[:, order[place:]].max(axis=1)
        share, _ = p_value(reached(largest, size[outcome]), exact=found.exact)
        highest = max(highest, share)
        adjusted[outcome] = highest
    return adjusted
