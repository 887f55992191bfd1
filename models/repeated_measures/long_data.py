"""The door of the repeated-measures models: a checked long table, its rows ordered by participant and visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, refuse
from neurotrial.models.repeated_measures.long_checks import (
    arm_problems,
    factor_problems,
    is_number,
    key_problems,
    value_problems,
    variation_problems,
)
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
    person, people = pd.factorize(frame[roles.subject])
    visit, names = _visit_codes(frame[roles.visit])
    problems = [
        *value_problems(frame, roles, measured),
        *key_problems(frame, roles, person, visit),
    ]
    if problems:
        raise InputError(problems)
    kept, decisions = _complete(frame, roles, measured)
    present = np.bincount(visit[kept], minlength=len(names)) > 0
    visits = tuple(name for name, there in zip(names, present, strict=True) if there)
    if not isinstance(frame[roles.visit].dtype, pd.CategoricalDtype) and not is_number(frame[roles.visit]):
        order = ", ".join(visits)
        decisions.append(f"order of visits by first appearance: {order} (a categorical column declares it)")
    rows = kept[np.lexsort((visit[kept], _by_appearance(person[kept])))]
    ordered = frame.iloc[rows].reset_index(drop=True)
    typed = _with_factors(ordered, roles, (np.cumsum(present) - 1)[visit[rows]], visits)
    problems = [
        *variation_problems(ordered, roles, visits, measured),
        *arm_problems(ordered, roles),
        *factor_problems(typed, roles),
    ]
    if problems:
        raise InputError(problems)
    number = _by_appearance(person[rows])
    seen = people[person[rows]][np.unique(number, return_index=True)[1]]
    gone = len(people) - len(seen)
    if gone:
        decisions.append(f"participants without any row in the fit: {gone}")
    levels, times, level = _levels(ordered, roles, visits, (np.cumsum(present) - 1)[visit[rows]])
    groups, shift = _groups(typed, roles)
    level = level + shift * len(levels)
    who = tuple(str(name) for name in seen)
    return LongData(typed, number, who, visits, levels, times, level, groups, tuple(decisions))


def _visit_codes(declared: pd.Series) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the number of each row's visit, -1 where it is missing, and the visits in order."""
    if isinstance(declared.dtype, pd.CategoricalDtype):
        return declared.cat.codes.to_numpy(dtype=np.int64), tuple(
            str(name) for name in declared.cat.categories
        )
    codes, names = pd.factorize(declared, sort=is_number(declared))
    return codes.astype(np.int64), tuple(str(name) for name in names)


def _by_appearance(codes: np.ndarray) -> np.ndarray:
    """Return codes numbered anew, from 0 in order of appearance."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _complete(frame: pd.DataFrame, roles: Roles, measured: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return the positions of the rows that have everything, and what was left out."""
    outcomes = set(measured)
    missing = {name: frame[name].isna().to_numpy() for name in frame if name not in outcomes}
    lacking = {name: int(lost.sum()) for name, lost in missing.items() if lost.any()}
    unmeasured = frame[list(measured)].isna().to_numpy().all(axis=1)
    kept = np.flatnonzero(~(unmeasured | np.logical_or.reduce(list(missing.values()))))
    if not kept.size:
        rule = "no row has the outcome and every explaining column"
        raise refuse(f"column {roles.outcome!r}", rule, "give the values that are missing")
    decisions = []
    if unmeasured.any():
        decisions.append(f"rows without outcome left out: {int(unmeasured.sum())} of {len(frame)}")
    if lacking:
        why = ", ".join(f"{name} in {count}" for name, count in lacking.items())
        decisions.append(f"rows left out because a column is missing: {why}")
    return kept, decisions


def _with_factors(
    ordered: pd.DataFrame, roles: Roles, visit: np.ndarray, visits: Sequence[str]
) -> pd.DataFrame:
    made: dict[str, Any] = {}
    for name in dict.fromkeys([*roles.explaining, *([roles.by_arm] if roles.by_arm else [])]):
        if name == roles.by_arm or roles.is_factor(name) or not is_number(ordered[name]):
            column = ordered[name].astype("category").cat.remove_unused_categories()
            made[name] = column.cat.rename_categories(str).cat.as_unordered()
    if roles.visit_is_factor:
        made[roles.visit] = pd.Categorical.from_codes(visit, dtype=pd.CategoricalDtype(list(visits)))
    return ordered.assign(**made)


def _levels(
    ordered: pd.DataFrame, roles: Roles, visits: Sequence[str], visit: np.ndarray
) -> tuple[tuple[str, ...], FloatArray | None, np.ndarray]:
    if roles.time is None or roles.covariance not in NEEDS_TIME:
        return tuple(visits), None, visit
    time = ordered[roles.time].to_numpy(dtype="float64")
    per_visit = pd.Series(time).groupby(visit)
    if (per_visit.max() == per_visit.min()).all():
        return tuple(visits), per_visit.first().to_numpy(), visit
    again = ordered.index[ordered.duplicated([roles.subject, roles.time], keep=False)]
    if len(again):
        rows = describe_rows(ordered, again, (roles.subject, roles.visit, roles.time))
        rule = "a participant has one row at each time"
        raise refuse(f"column {roles.time!r}", rule, "correct the times", rows)
    distinct, level = np.unique(time, return_inverse=True)
    return tuple(f"{value:g}" for value in distinct), distinct, level


def _groups(typed: pd.DataFrame, roles: Roles) -> tuple[tuple[str, ...], np.ndarray]:
    if roles.by_arm is None:
        return (), np.zeros(len(typed), dtype=np.int64)
    column = typed[roles.by_arm]
    return tuple(str(name) for name in column.cat.categories), column.cat.codes.to_numpy(dtype=np.int64)
