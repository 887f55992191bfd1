"""Permutation test of the difference between two arms, studentised so that unequal variances do not mislead it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from neurotrial.errors import InputError, Problem

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["PermutationTest", "Seed", "permutation_test", "welch_statistics"]

Seed = int | np.random.SeedSequence
BoolArray = npt.NDArray[np.bool_]

TIE_MARGIN = 1e-9
"""Relative margin within which two statistics count as equal."""

_ZERO = 1e-12
_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """A permutation test.

    Attributes
    ----------
    estimate : float
        Mean of the treated minus mean of the reference.
    std_error : float
        Welch's standard error, by which the statistic is studentised; not that of the permutation distribution.
    statistic : float
        Welch's t of the observed labels; infinite where both arms are constant and differ.
    p_value : float
        Two-sided; never 0.
    p_std_error : float
        Monte Carlo standard error of the p-value; 0 if exact.
    exact : bool
        Whether every relabelling was counted.
    n_relabellings : int
        Relabellings that were counted: all distinct ones, the observed among them, or those drawn, without it.
    n_as_extreme : int
        Those of them whose statistic is at least as large as the observed, in absolute value.
    """

    estimate: float
    std_error: float
    statistic: float
    p_value: float
    p_std_error: float
    exact: bool
    n_relabellings: int
    n_as_extreme: int


def permutation_test(
    treated: FloatArray, reference: FloatArray, *, n_resamples: int = 10_000, seed: Seed = 0
) -> PermutationTest:
    """Test the difference of two arms by relabelling participants with the size of the arms kept.

    That is the re-randomisation test of complete randomisation with fixed totals; it does not know blocks or strata.

    Parameters
    ----------
    treated, reference : array of float, shapes (n_treated,) and (n_reference,)
        Finite values, two or more each.
    n_resamples : int
        If there are no more distinct relabellings than this, all are counted; else so many are drawn.
    seed : int or SeedSequence
        Root of the random stream; the same seed gives the same result.

    Returns
    -------
    PermutationTest
        The p-value is exact under the hypothesis that no participant would have fared otherwise in the other arm.
        Drawn relabellings give ``(n_as_extreme + 1) / (n_resamples + 1)``, which keeps the level [1]_. Under unequal
        variances the studentised statistic keeps it asymptotically [2]_.

    Raises
    ------
    InputError
        If `n_resamples` is less than 1.

    References
    ----------
    .. [1] Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39. https://doi.org/10.2202/1544-6115.1585
    .. [2] Janssen A. Stat Probab Lett 1997;36:9-21. https://doi.org/10.1016/S0167-7152(97)00043-6

    Examples
    --------
    >>> import numpy as np
    >>> result = permutation_test(np.array([4.0, 5, 6]), np.array([1.0, 2, 3]))
    >>> result.exact, result.n_relabellings, result.p_value
    (True, 20, 0.1)
    """
    if n_resamples < 1:
        rule = f"{n_resamples} relabellings are too few"
        raise InputError([Problem("n_resamples", rule, "draw 999 or more")])
    values, n_treated = np.concatenate([treated, reference]), treated.size
    observed = np.arange(values.size) < n_treated
    statistic = float(welch_statistics(values, observed[None, :])[0])
    exact = comb(values.size, n_treated) <= n_resamples
    batches = _all_labels(values.size, n_treated) if exact else _random_labels(observed, n_resamples, seed)
    least = abs(statistic) * (1 - TIE_MARGIN) - _ZERO
    counts = [
        (len(labels), int((np.abs(welch_statistics(values, labels)) >= least).sum())) for labels in batches
    ]
    total, extreme = (sum(column) for column in zip(*counts, strict=True))
    p_value = extreme / total if exact else (extreme + 1) / (total + 1)
    return PermutationTest(
        estimate=float(treated.mean() - reference.mean()),
        std_error=float(np.sqrt(treated.var(ddof=1) / treated.size + reference.var(ddof=1) / reference.size)),
        statistic=statistic,
        p_value=p_value,
        p_std_error=0.0 if exact else float(np.sqrt(total * p_value * (1 - p_value)) / (total + 1)),
        exact=exact,
        n_relabellings=total,
        n_as_extreme=extreme,
    )


def welch_statistics(values: FloatArray, labels: BoolArray) -> FloatArray:
    """Return Welch's t for many labellings at once.

    Parameters
    ----------
    values : array of float, shape (n_participants,)
        Finite values.
    labels : array of bool, shape (n_labellings, n_participants)
        Who counts as treated; every row has the same number, which leaves two or more in each arm.

    Returns
    -------
    array of float, shape (n_labellings,)
        0 where the means are equal, infinite where they differ and both arms are constant.
    """
    centred = values - values.mean()
    total = centred @ centred
    n1 = int(labels[0].sum())
    n0 = values.size - n1
    sums = labels.astype("float64") @ np.column_stack([centred, centred**2])
    mean1, mean0 = sums[:, 0] / n1, -sums[:, 0] / n0
    spread1 = sums[:, 1] - n1 * mean1**2
    spread0 = total - sums[:, 1] - n0 * mean0**2
    variance = spread1 / (n1 * (n1 - 1)) + spread0 / (n0 * (n0 - 1))
    variance[variance <= _ZERO * total] = 0.0
    difference = mean1 - mean0
    difference[np.abs(difference) <= _ZERO * np.sqrt(total)] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / np.sqrt(variance))


def _all_labels(n: int, n_treated: int) -> Iterator[BoolArray]:
    chosen = np.array(list(itertools.combinations(range(n), n_treated)))
    labels = np.zeros((len(chosen), n), dtype=np.bool_)
    np.put_along_axis(labels, chosen, values=True, axis=1)
    yield labels


def _random_labels(observed: BoolArray, n_resamples: int, seed: Seed) -> Iterator[BoolArray]:
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    generator = np.random.default_rng(root)
    for start in range(0, n_resamples, _BATCH):
        size = min(_BATCH, n_resamples - start)
        yield generator.permuted(np.tile(observed, (size, 1)), axis=1)
