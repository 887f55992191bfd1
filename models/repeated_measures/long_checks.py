"""What may be wrong with a long table, each fault with its rows and its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import Problem
from neurotrial.models.checks import number_problems
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.roles import Roles

__all__ = [
    "arm_problems",
    "factor_problems",
    "is_number",
    "key_problems",
    "value_problems",
    "variation_problems",
]

_FEWEST = 2
"""Visits, participants, and levels of a factor, below which there is nothing to compare."""


def is_number(values: pd.Series[Any]) -> bool:
    """Say whether a column holds numbers; truth values are levels of a factor."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def value_problems(frame: pd.DataFrame, roles: Roles, measured: Sequence[str]) -> Iterator[Problem]:
    """Yield outcomes, times, weights and numeric terms that are no finite numbers, and weights that are not positive."""
    others = [name for name in (roles.time, roles.weights) if name]
    numeric = [*([] if _plain_numbers(frame, measured) else measured), *others]
    for name in dict.fromkeys(numeric):
        yield from number_problems(frame, name, (roles.subject, roles.visit))
    for name in roles.explaining:
        if name not in others and is_number(frame[name]):
            yield from number_problems(frame, name, (roles.subject, roles.visit))
    if roles.weights and is_number(frame[roles.weights]):
        low = frame.index[frame[roles.weights] <= 0]
        if len(low):
            rows = describe_rows(frame, low, (roles.subject, roles.visit, roles.weights))
            rule = "a weight is greater than 0: the variance is divided by it"
            yield Problem(f"column {roles.weights!r}", rule, "set the outcome of such a row to missing", rows)


def key_problems(
    frame: pd.DataFrame, roles: Roles, person: np.ndarray, visit: np.ndarray
) -> Iterator[Problem]:
    """Yield rows without participant or visit, and participants with two rows at a visit.

    Parameters
    ----------
    frame : DataFrame
        The table.
    roles : Roles
        Its columns.
    person, visit : array of int
        Number of each row's participant and visit, -1 where it is missing.
    """
    keys = [roles.subject, roles.visit]
    for name, codes in zip(keys, (person, visit), strict=True):
        lacking = np.flatnonzero(codes < 0)
        if lacking.size:
            rows = describe_rows(frame, lacking, [*keys, roles.outcome])
            yield Problem(f"column {name!r}", "is missing", "fill it in, or remove the rows", rows)
    pair = np.where(
        (person < 0) | (visit < 0), -1 - np.arange(len(frame)), person * (visit.max() + 1) + visit
    )
    _, code, count = np.unique(pair, return_inverse=True, return_counts=True)
    again = np.flatnonzero(count[code] > 1)
    if again.size:
        rows = describe_rows(frame, again, [*keys, roles.outcome])
        rule = "a participant has one row at each visit"
        yield Problem(f"columns {keys[0]!r}, {keys[1]!r}", rule, "remove the rows that do not count", rows)


def variation_problems(
    ordered: pd.DataFrame, roles: Roles, visits: Sequence[str], measured: Sequence[str]
) -> Iterator[Problem]:
    """Yield a single visit, a single participant, and a constant outcome where there is one outcome only."""
    if len(visits) < _FEWEST:
        rule = f"repeated measures need two visits; found: {', '.join(visits)}"
        yield Problem(f"column {roles.visit!r}", rule, "use ancova for one visit")
    if ordered[roles.subject].nunique() < _FEWEST:
        yield Problem(f"column {roles.subject!r}", "there is one participant only", "give all participants")
    if len(measured) == 1:
        values = ordered[measured[0]].to_numpy(dtype="float64")
        if np.ptp(values) == 0:
            rule = f"is {values[0]:g} in all {len(values)} rows"
            remedy = "nothing can be estimated from a constant outcome"
            yield Problem(f"column {measured[0]!r}", rule, remedy)


def arm_problems(ordered: pd.DataFrame, roles: Roles) -> Iterator[Problem]:
    """Yield participants whose arm changes, where arms have a covariance of their own."""
    if roles.by_arm is None:
        return
    arms = ordered.groupby(roles.subject, sort=False)[roles.by_arm].nunique()
    several = ordered.index[ordered[roles.subject].isin(arms.index[arms > 1])]
    if len(several):
        rows = describe_rows(ordered, several, (roles.subject, roles.visit, roles.by_arm))
        rule = "a participant has one arm at all visits"
        yield Problem(f"by_arm column {roles.by_arm!r}", rule, "correct the rows", rows)


def factor_problems(typed: pd.DataFrame, roles: Roles) -> Iterator[Problem]:
    """Yield factors of the formula that have one level in the rows of the fit."""
    for name in roles.explaining:
        column = typed[name]
        if isinstance(column.dtype, pd.CategoricalDtype) and len(column.cat.categories) < _FEWEST:
            rule = f"has one level only in the rows of the fit: {column.cat.categories[0]}"
            yield Problem(f"column {name!r}", rule, "leave it out of the formula")


def _plain_numbers(frame: pd.DataFrame, measured: Sequence[str]) -> bool:
    """Say at once whether all outcomes are numbers without an infinite one."""
    block = frame[list(measured)]
    floats = all(isinstance(kind, np.dtype) and kind.kind == "f" for kind in block.dtypes)
    return floats and not bool(np.isinf(block.to_numpy()).any())
