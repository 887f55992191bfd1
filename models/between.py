"""Rows of inference: a test with its labels, and every arm against the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.tidy import Estimate

if TYPE_CHECKING:
    from neurotrial.models.checks import ArmTable
    from neurotrial.models.permutation import PermutationTest
    from neurotrial.models.ranks import RankTest
    from neurotrial.models.student import FloatArray, TTest

__all__ = [
    "against_reference",
    "monte_carlo_error",
    "permutation_estimate",
    "rank_estimate",
    "t_estimate",
    "t_rows",
]

_MONTE_CARLO = "Monte Carlo standard error"

TwoSample = Callable[["FloatArray", "FloatArray", float], "TTest"]


def t_estimate(test: TTest, template: Estimate, conf_level: float) -> Estimate:
    """Fill the labels of `template` with the numbers of a t test; without variation there is no inference."""
    if test.std_error == 0:
        reason = "the values have no variation"
        return replace(template, estimate=test.estimate, status="failed", reason=reason)
    return replace(
        template,
        estimate=test.estimate,
        std_error=test.std_error,
        df=test.df,
        statistic=test.statistic,
        conf_low=test.conf_low,
        conf_high=test.conf_high,
        conf_level=conf_level,
        interval_kind="t",
        p_value=test.p_value,
    )


def rank_estimate(test: RankTest, template: Estimate, conf_level: float) -> Estimate:
    """Fill the labels of `template` with a Mann-Whitney test: shift, U, interval and p; the reason says which p."""
    bounded = test.interval_kind != "none"
    how = {
        "exact_conditional": "exact permutation distribution of the mid-ranks (normal approximation with "
        f"continuity correction: p = {test.p_asymptotic:.3f})",
        "asymptotic_cc": "normal approximation with continuity correction",
    }[test.method]
    return replace(
        template,
        estimate=test.hodges_lehmann,
        statistic=test.u,
        conf_low=test.conf_low,
        conf_high=test.conf_high,
        conf_level=conf_level if bounded else np.nan,
        interval_kind=test.interval_kind,
        p_value=test.p_value,
        reason=how if bounded else f"{how}; too few participants for an interval of {conf_level:.4g}",
    )


def permutation_estimate(test: PermutationTest, template: Estimate) -> Estimate:
    """Fill the labels of `template` with a permutation test; the reason says how many relabellings were counted."""
    how = "all" if test.exact else f"p has {_MONTE_CARLO} {test.p_std_error:.2g}:"
    return replace(
        template,
        estimate=test.estimate,
        std_error=test.std_error,
        statistic=test.statistic if np.isfinite(test.statistic) else np.nan,
        p_value=test.p_value,
        reason=f"{how} {test.n_relabellings} relabellings with fixed totals",
    )


def monte_carlo_error(reason: str) -> float:
    """Read the Monte Carlo standard error of a p-value back from the reason of its row; 0 where there is none.

    Examples
    --------
    >>> monte_carlo_error("p has Monte Carlo standard error 0.0022: 10000 relabellings with fixed totals")
    0.0022
    """
    _, found, rest = reason.partition(f"{_MONTE_CARLO} ")
    return float(rest.partition(":")[0]) if found else 0.0


def against_reference(table: ArmTable, method: str, visit: str) -> Iterator[tuple[str, Estimate]]:
    """Yield each compared arm with the labels of its row against the reference; participants are those of the two."""
    for name in table.compared:
        yield name, Estimate(method, "arm", f"{name} - {table.reference}", table.pair(name), visit)


def t_rows(
    table: ArmTable,
    values: Mapping[str, FloatArray],
    tests: Mapping[str, TwoSample],
    conf_level: float,
    visit: str,
) -> list[Estimate]:
    """Compare the values of each arm with those of the reference.

    Parameters
    ----------
    table : ArmTable
        The arms and their participants.
    values : mapping of str to array of float
        Values by arm, one for each participant.
    tests : mapping of str to callable
        Two-sample t tests by method slug.
    conf_level : float
        In (0, 1).
    visit : str
        Name of the visit, for the table only.

    Returns
    -------
    list of Estimate
        By method, then by arm.
    """
    return [
        t_estimate(test(values[name], values[table.reference], conf_level), template, conf_level)
        for method, test in tests.items()
        for name, template in against_reference(table, method, visit)
    ]
