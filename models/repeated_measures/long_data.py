"""The door of the repeated-measures models: a checked long table, its rows ordered by participant and visit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.checks import number_problems
from neurotrial.models.repeated_measures.named import NEEDS_TIME
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    from neurotrial.models.repeated_measures.roles import Roles
    from neurotrial.models.student import FloatArray

__all__ = ["LongData", "long_data"]


@dataclass(frozen=True, slots=True)
class LongData:
    """The rows of a fit.

    Attributes
    ----------
    frame : DataFrame, n_observations rows
        Complete rows, by participant and then by visit; factors as categories without unused levels.
    participant : array of int, shape (n_observations,)
        Number of the participant of each row, from 0 in order of appearance.
    participants : tuple of str
        Their names.
    visits : tuple of str
        The visits in order.
    levels : tuple of str
        What the rows of the covariance stand for: the visits, or the distinct times where a structure in time is
        asked for and times differ between participants.
    times : array of float, shape (n_levels,), or None
        Times of the levels.
    level : array of int, shape (n_observations,)
        Level of each row; with a covariance for each arm counted through all arms.
    groups : tuple of str
        Arms that have a covariance of their own; empty for one covariance.
    decisions : tuple of str
        What was left out or decided about the rows.
    """

    frame: pd.DataFrame
    participant: np.ndarray
    participants: tuple[str, ...]
    visits: tuple[str, ...]
    levels: tuple[str, ...]
    times: FloatArray | None
    level: np.ndarray
    groups: tuple[str, ...]
    decisions: tuple[str, ...]

    def column(self, name: str) -> FloatArray:
        """Return the numbers of a column."""
        return self.frame[name].to_numpy(dtype="float64")


def long_data(data: pd.DataFrame, roles: Roles, outcomes: Sequence[str] = ()) -> LongData:
    """Check a long table and keep the rows that have everything.

    Parameters
    ----------
    data : DataFrame
        One row per participant and visit, in any order; a categorical visit column gives the order of visits, else
        numbers are sorted and texts taken in order of appearance.
    roles : Roles
        Which column is what.
    outcomes : sequence of str
        Several outcomes in place of the formula's; a row is kept that has one of them.

    Returns
    -------
    LongData
        The ordered rows.

    Raises
    ------
    InputError
        If the outcome, times or weights are not finite numbers, participant or visit is missing, a participant has
        two rows at a visit, there is one visit only or one participant, a factor has one level, or an arm changes.
    """
    measured = list(outcomes) or [roles.outcome]
    wanted = list(dict.fromkeys([*roles.columns, *measured]))
    frame = data[[name for name in wanted if name in data]].reset_index(drop=True)
    frame.index.name = "row"
    problems = [*_number_problems(frame, roles, measured), *_key_problems(frame, roles)]
    if problems:
        raise InputError(problems)
    kept, decisions = _complete(frame, roles, measured)
    visits = _visits(frame[roles.visit], kept[roles.visit])
    problems = [*_size_problems(kept, roles, visits), *_arm_problems(kept, roles)]
    if problems:
        raise InputError(problems)
    rank = {name: number for number, name in enumerate(visits)}
    order = kept[roles.visit].astype(str).map(rank).to_numpy()
    first = pd.factorize(kept[roles.subject])[0]
    kept = kept.iloc[np.lexsort((order, first))].reset_index(drop=True)
    typed = _with_factors(kept, roles, visits)
    problems = [*_factor_problems(typed, roles)]
    if problems:
        raise InputError(problems)
    levels, times, level = _levels(kept, roles, visits)
    groups, shift = _groups(typed, roles)
    number, names = pd.factorize(kept[roles.subject])
    people = tuple(str(name) for name in names)
    return LongData(
        typed, number, people, visits, levels, times, level + shift * len(levels), groups, tuple(decisions)
    )


def _number_problems(frame: pd.DataFrame, roles: Roles, measured: Sequence[str]) -> Iterator[Problem]:
    others = [name for name in (roles.time, roles.weights) if name]
    numeric = [*([] if _plain_numbers(frame, measured) else measured), *others]
    for name in dict.fromkeys(numeric):
        yield from number_problems(frame, name, (roles.subject, roles.visit))
    for name in roles.explaining:
        if name not in others and _is_number(frame[name]):
            yield from number_problems(frame, name, (roles.subject, roles.visit))
    if roles.weights and _is_number(frame[roles.weights]):
        low = frame.index[frame[roles.weights] <= 0]
        if len(low):
            rows = describe_rows(frame, low, (roles.subject, roles.visit, roles.weights))
            rule = "a weight is greater than 0: the variance is divided by it"
            yield Problem(f"column {roles.weights!r}", rule, "set the outcome of such a row to missing", rows)


def _plain_numbers(frame: pd.DataFrame, measured: Sequence[str]) -> bool:
    """Say at once whether all outcomes are numbers without an infinite one."""
    block = frame[list(measured)]
    floats = all(isinstance(kind, np.dtype) and kind.kind == "f" for kind in block.dtypes)
    return floats and not bool(np.isinf(block.to_numpy()).any())


def _key_problems(frame: pd.DataFrame, roles: Roles) -> Iterator[Problem]:
    keys = [roles.subject, roles.visit]
    for name in keys:
        lacking = frame.index[frame[name].isna()]
        if len(lacking):
            rows = describe_rows(frame, lacking, [*keys, roles.outcome])
            yield Problem(f"column {name!r}", "is missing", "fill it in, or remove the rows", rows)
    again = frame.index[frame.duplicated(keys, keep=False)]
    if len(again):
        rows = describe_rows(frame, again, [*keys, roles.outcome])
        rule = "a participant has one row at each visit"
        yield Problem(f"columns {keys[0]!r}, {keys[1]!r}", rule, "remove the rows that do not count", rows)


def _complete(frame: pd.DataFrame, roles: Roles, measured: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    outcomes = set(measured)
    others = [name for name in frame if name not in outcomes]
    lacking = {name: int(frame[name].isna().sum()) for name in others if frame[name].isna().any()}
    unmeasured = frame[list(measured)].isna().all(axis=1)
    kept = frame[~unmeasured & frame[others].notna().all(axis=1)]
    if kept.empty:
        rule = "no row has the outcome and every explaining column"
        raise refuse(f"column {roles.outcome!r}", rule, "give the values that are missing")
    decisions = []
    if unmeasured.any():
        decisions.append(f"rows without outcome left out: {int(unmeasured.sum())} of {len(frame)}")
    if lacking:
        why = ", ".join(f"{name} in {count}" for name, count in lacking.items())
        decisions.append(f"rows left out because a column is missing: {why}")
    gone = frame[roles.subject].nunique() - kept[roles.subject].nunique()
    if gone:
        decisions.append(f"participants without any row in the fit: {gone}")
    return kept, decisions


def _visits(declared: pd.Series[Any], used: pd.Series[Any]) -> tuple[str, ...]:
    present = set(used.astype(str))
    if isinstance(declared.dtype, pd.CategoricalDtype):
        order = list(declared.cat.categories)
    elif _is_number(declared):
        order = sorted(used.unique())
    else:
        order = list(dict.fromkeys(declared))
    return tuple(str(name) for name in order if str(name) in present)


def _size_problems(kept: pd.DataFrame, roles: Roles, visits: Sequence[str]) -> Iterator[Problem]:
    if len(visits) < 2:  # noqa: PLR2004
        rule = f"repeated measures need two visits; found: {', '.join(visits)}"
        yield Problem(f"column {roles.visit!r}", rule, "use ancova for one visit")
    if kept[roles.subject].nunique() < 2:  # noqa: PLR2004
        yield Problem(f"column {roles.subject!r}", "there is one participant only", "give all participants")
    for name in [roles.outcome] if roles.outcome in kept else []:
        values = kept[name].dropna()
        if len(values) and np.ptp(values.to_numpy(dtype="float64")) == 0:
            rule = f"is {values.iloc[0]:g} in all {len(values)} rows"
            yield Problem(f"column {name!r}", rule, "nothing can be estimated from a constant outcome")


def _arm_problems(kept: pd.DataFrame, roles: Roles) -> Iterator[Problem]:
    for role, name in (("by_arm", roles.by_arm),):
        if name is None:
            continue
        arms = kept.groupby(roles.subject, sort=False)[name].nunique()
        several = arms.index[arms > 1]
        if len(several):
            rows = describe_rows(
                kept, kept.index[kept[roles.subject].isin(several)], (roles.subject, roles.visit, name)
            )
            rule = "a participant has one arm at all visits"
            yield Problem(f"{role} column {name!r}", rule, "correct the rows", rows)


def _is_number(values: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _with_factors(kept: pd.DataFrame, roles: Roles, visits: Sequence[str]) -> pd.DataFrame:
    typed = kept.copy()
    factors = [name for name in roles.explaining if not _is_number(kept[name])]
    for name in dict.fromkeys([*factors, *([roles.by_arm] if roles.by_arm else [])]):
        typed[name] = kept[name].astype("category").cat.remove_unused_categories().cat.as_unordered()
    if roles.visit_is_factor:
        typed[roles.visit] = pd.Categorical(kept[roles.visit].astype(str), categories=list(visits))
    return typed


def _factor_problems(typed: pd.DataFrame, roles: Roles) -> Iterator[Problem]:
    for name in roles.explaining:
        if isinstance(typed[name].dtype, pd.CategoricalDtype) and len(typed[name].cat.categories) < 2:  # noqa: PLR2004
            rule = f"has one level only in the rows of the fit: {typed[name].cat.categories[0]}"
            yield Problem(f"column {name!r}", rule, "leave it out of the formula")


def _levels(
    kept: pd.DataFrame, roles: Roles, visits: Sequence[str]
) -> tuple[tuple[str, ...], FloatArray | None, np.ndarray]:
    rank = {name: number for number, name in enumerate(visits)}
    by_visit = kept[roles.visit].astype(str).map(rank).to_numpy()
    if roles.time is None or roles.covariance not in NEEDS_TIME:
        return tuple(visits), None, by_visit
    time = kept[roles.time].to_numpy(dtype="float64")
    per_visit = pd.Series(time).groupby(by_visit)
    if (per_visit.max() == per_visit.min()).all():
        return tuple(visits), per_visit.first().to_numpy(), by_visit
    again = kept.index[kept.duplicated([roles.subject, roles.time], keep=False)]
    if len(again):
        rows = describe_rows(kept, again, (roles.subject, roles.visit, roles.time))
        raise refuse(
            f"column {roles.time!r}", "a participant has one row at each time", "correct the times", rows
        )
    distinct, level = np.unique(time, return_inverse=True)
    return tuple(f"{value:g}" for value in distinct), distinct, level


def _groups(typed: pd.DataFrame, roles: Roles) -> tuple[tuple[str, ...], np.ndarray]:
    if roles.by_arm is None:
        return (), np.zeros(len(typed), dtype=np.int64)
    column = typed[roles.by_arm]
    return tuple(str(name) for name in column.cat.categories), column.cat.codes.to_numpy(dtype=np.int64)
