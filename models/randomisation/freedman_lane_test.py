"""Freedman and Lane's permutation of residuals: approximate, and blind to blocks; a method of its own name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurotrial.errors import refuse
from neurotrial.models.randomisation.adjusted import Adjusted, adjusted
from neurotrial.models.randomisation.relabelling import Relabelled, p_value, reached, step_down
from neurotrial.models.randomisation.table import randomised

if TYPE_CHECKING:
    from neurotrial.models.permutation import Seed
    from neurotrial.models.student import FloatArray

__all__ = ["FreedmanLane", "freedman_lane"]

_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class FreedmanLane:
    """Permutation tests of residuals.

    Attributes
    ----------
    table : DataFrame
        A row for each outcome: outcome, n, estimate, statistic, p_value, p_adjusted (step-down maxT).
    exact : bool
        Whether every order was counted; the test itself is approximate all the same.
    n_permutations : int
        Orders that were counted.
    """

    table: pd.DataFrame
    exact: bool
    n_permutations: int

    def tidy(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def freedman_lane(
    data: pd.DataFrame,
    *,
    outcomes: Sequence[str],
    arm: str,
    baseline: str | None = None,
    covariates: Sequence[str] = (),
    reference: str | None = None,
    n_resamples: int = 10_000,
    seed: Seed = 0,
) -> FreedmanLane:
    """Test the arm by permuting the residuals of the model without it.

    The statistic is the ordinary t of the arm. Orders are the same for all outcomes, so that their dependence is kept;
    therefore only participants with every outcome count.

    Parameters
    ----------
    data : DataFrame
        One row per participant.
    outcomes : sequence of str
        Columns with the values.
    arm : str
        Column with the arm (two arms).
    baseline : str, optional
        A column that all outcomes are adjusted for.
    covariates : sequence of str
        Further columns or formula terms.
    reference : str, optional
        The arm that the other is compared with; the first by default.
    n_resamples : int
        If there are no more orders than this, all are counted; else so many are drawn.
    seed : int or SeedSequence
        Root of the random stream.

    Returns
    -------
    FreedmanLane
        Approximate p-values: residuals are exchangeable only in large samples, and blocks are not known.

    Raises
    ------
    InputError
        If the table is wrong, or too few participants have every outcome.

    References
    ----------
    Freedman D, Lane D. J Bus Econ Stat 1983;1:292-298. https://doi.org/10.1080/07350015.1983.10509354
    """
    if not outcomes:
        raise refuse("outcomes", "there are none", "name at least one column")
    table = randomised(data, arm, outcomes, [baseline] if baseline else [], covariates, reference)
    values = np.column_stack([table.values(name) for name in outcomes])
    whole = np.isfinite(values).all(axis=1)
    explaining = table.explaining(baseline, covariates)
    ready = [
        adjusted(np.where(whole, values[:, k], np.nan), explaining, "pooled", name)
        for k, name in enumerate(outcomes)
    ]
    treated = (table.frame[arm].astype("str") == table.treated).to_numpy()
    n = ready[0].seen.size
    exact = n_resamples >= 1 and _few(n, n_resamples)
    orders = _every(n) if exact else _drawn(n, n_resamples, seed)
    statistics = np.vstack(
        [np.column_stack([_tests(one, treated, order) for one in ready]) for order in orders]
    )
    observed = np.array([one.tests(treated[None])[0] for one in ready])
    found = Relabelled(observed, statistics, exact, np.empty((0, 0), dtype=bool))
    rows = pd.DataFrame(
        {
            "outcome": list(outcomes),
            "n": n,
            "estimate": [one.estimate(treated)[0] for one in ready],
            "statistic": observed,
            "p_value": [
                p_value(reached(statistics[:, k], observed[k]), exact=exact)[0] for k in range(len(ready))
            ],
            "p_adjusted": step_down(found),
        }
    )
    return FreedmanLane(rows, exact, len(statistics))


def _tests(one: Adjusted, treated: np.ndarray, order: np.ndarray) -> FloatArray:
    """Return the t of the arm for residuals in other orders, shape (n_orders, n)."""
    x = treated[one.seen].astype("float64")
    x = x - one.basis @ (one.basis.T @ x)
    size = float(x @ x)
    y = one.residual[order]
    y = y - (y @ one.basis) @ one.basis.T
    effect = y @ x / size
    rest = np.maximum((y**2).sum(axis=1) - effect**2 * size, np.finfo(np.float64).tiny)
    return np.asarray(effect / np.sqrt(rest / one.df / size))


def _few(n: int, most: int) -> bool:
    return n < 20 and factorial(n) <= most  # noqa: PLR2004 - the factorial of 20 is beyond any number of resamples


def _every(n: int) -> Iterator[np.ndarray]:
    orders = itertools.permutations(range(n))
    while part := list(itertools.islice(orders, _BATCH)):
        yield np.array(part)


def _drawn(n: int, number: int, seed: Seed) -> Iterator[np.ndarray]:
    if number < 1:
        raise refuse("n_resamples", f"{number} permutations are too few", "draw 999 or more")
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    for start, child in zip(range(0, number, _BATCH), root.spawn(-(-number // _BATCH)), strict=True):
        size = min(_BATCH, number - start)
        yield np.random.default_rng(child).permuted(np.tile(np.arange(n), (size, 1)), axis=1)
