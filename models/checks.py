"""The door of the estimators: one row per participant, checked, complete and with its arms in order."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = [
    "ArmTable",
    "arm_order",
    "arm_problems",
    "arm_table",
    "check_level",
    "missing_columns",
    "number_problems",
]

FEWEST = 2
"""Arms in a trial, and participants in an arm, below which nothing can be compared."""


@dataclass(frozen=True, slots=True)
class ArmTable:
    """Participants with everything that an analysis needs.

    Attributes
    ----------
    frame : DataFrame
        One row per participant, no missing value; numbers as float64, the arm as text.
    arm : str
        Name of the column with the arm.
    arms : tuple of str
        The arms in order.
    reference : str
        The arm that the others are compared with.
    n_left_out : int
        Participants left out because something is missing.
    n_missing : mapping of str to int
        Participants for whom a column is missing, for each column where there are any.
    """

    frame: pd.DataFrame
    arm: str
    arms: tuple[str, ...]
    reference: str
    n_left_out: int
    n_missing: Mapping[str, int]

    @property
    def compared(self) -> tuple[str, ...]:
        """The arms other than the reference."""
        return tuple(arm for arm in self.arms if arm != self.reference)

    @property
    def n_per_arm(self) -> dict[str, int]:
        """Participants by arm."""
        return {arm: int((self.frame[self.arm] == arm).sum()) for arm in self.arms}

    @property
    def note(self) -> str:
        """How many participants were left out, and why; empty where none was."""
        if not self.n_left_out:
            return ""
        why = ", ".join(f"{column} in {count}" for column, count in self.n_missing.items())
        return f"participants left out: {self.n_left_out} (missing: {why})"

    def values(self, column: str, arm: str) -> FloatArray:
        """Return the numbers of one arm."""
        return self.frame.loc[self.frame[self.arm] == arm, column].to_numpy(dtype="float64")

    def pair(self, arm: str) -> dict[str, int]:
        """Return the participants of an arm and of the reference, in the order of the arms."""
        return {name: n for name, n in self.n_per_arm.items() if name in {arm, self.reference}}


def arm_table(
    data: pd.DataFrame, *, arm: str, numeric: Sequence[str], others: Sequence[str] = (), reference: str | None
) -> ArmTable:
    """Check a table of participants and keep the complete ones.

    Parameters
    ----------
    data : DataFrame
        One row per participant.
    arm : str
        Column with the arm; the categories of a categorical column give the order of the arms, else the reference
        comes first and the others follow in alphabetical order.
    numeric, others : sequence of str
        Columns that must be numbers, and columns that may be anything; all must be there.
    reference : str or None
        The arm that the others are compared with; None for the first.

    Returns
    -------
    ArmTable
        The participants who miss nothing.

    Raises
    ------
    InputError
        If a column is absent or not of numbers, a number is infinite, an arm is missing, fewer than two arms or
        fewer than two complete participants in an arm remain, or the reference is no arm.
    """
    wanted = list(dict.fromkeys([arm, *numeric, *others]))
    problems = missing_columns(data, wanted)
    if problems:
        raise InputError(problems)
    frame = data[wanted] if data.index.is_unique else data[wanted].reset_index(drop=True)
    problems = [
        p for column in dict.fromkeys([*numeric, *others]) for p in _column_problems(frame, column, numeric)
    ]
    order = arm_order(frame[arm], reference)
    problems += arm_problems(frame, arm, order, reference)
    if problems:
        raise InputError(problems)
    typed = frame.assign(
        **{column: _floats(frame[column]) for column in numeric}, **{arm: frame[arm].astype(str)}
    )
    complete = typed.dropna()
    problems = list(_size_problems(typed, complete, arm, order))
    if problems:
        raise InputError(problems)
    missing = {str(name): int(count) for name, count in typed.isna().sum().items() if count}
    left_out = len(typed) - len(complete)
    return ArmTable(complete, arm, order, str(reference or order[0]), left_out, missing)


def check_level(conf_level: float) -> None:
    """Refuse a confidence level that is none.

    Raises
    ------
    InputError
        If it does not lie between 0 and 1.
    """
    if not 0 < conf_level < 1:
        rule = f"{conf_level:g} is not between 0 and 1"
        raise InputError([Problem("conf_level", rule, "give the level as a share, e.g. 0.95")])


def missing_columns(data: pd.DataFrame, wanted: Iterable[str]) -> list[Problem]:
    """List the columns that a table lacks, with the name that each may have been meant to be."""
    have = [str(name) for name in data.columns]
    problems = []
    for name in wanted:
        if name not in data:
            close = difflib.get_close_matches(str(name), have, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else f"use one of: {', '.join(have)}"
            problems.append(Problem(f"column {name!r}", "the column is missing", remedy))
    return problems


def number_problems(frame: pd.DataFrame, column: str, shown: Iterable[str] = ()) -> Iterator[Problem]:
    """Yield what keeps a column from being finite or missing numbers; `shown` columns identify the rows."""
    values = frame[column]
    where, columns = f"column {column!r}", dict.fromkeys([*shown, column])
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        numbers = pd.to_numeric(values.astype("object"), errors="coerce")
        unread = frame.index[values.notna() & numbers.isna()]
        rows = describe_rows(frame, unread if len(unread) else frame.index[values.notna()], columns)
        yield Problem(
            where, "must hold numbers", "correct the cells, then convert the column to numbers", rows
        )
    elif np.isinf(_floats(values)).any():
        rows = describe_rows(frame, frame.index[np.isinf(_floats(values))], columns)
        yield Problem(where, "must be finite", "correct the cells, or set them to missing", rows)


def _column_problems(frame: pd.DataFrame, column: str, numeric: Sequence[str]) -> Iterator[Problem]:
    numbers = pd.api.types.is_numeric_dtype(frame[column]) and not pd.api.types.is_bool_dtype(frame[column])
    if column in numeric or numbers:
        yield from number_problems(frame, column)


def _floats(values: pd.Series[Any]) -> FloatArray:
    return values.to_numpy(dtype="float64", na_value=np.nan)


def arm_order(values: pd.Series[Any], reference: str | None) -> tuple[str, ...]:
    """Return the arms that occur: as the categories stand, else the reference first and the others by name."""
    present = set(values.dropna().astype(str))
    if isinstance(values.dtype, pd.CategoricalDtype):
        return tuple(str(arm) for arm in values.cat.categories if str(arm) in present)
    return tuple(sorted(present, key=lambda arm: (arm != str(reference), arm)))


def arm_problems(
    frame: pd.DataFrame, arm: str, order: tuple[str, ...], reference: str | None
) -> Iterator[Problem]:
    """Yield participants without an arm, a single arm, and a reference that is none."""
    where, lacking = f"column {arm!r}", frame.index[frame[arm].isna()]
    if len(lacking):
        rows = describe_rows(frame, lacking, frame.columns)
        yield Problem(where, "every participant has an arm", "fill in the arm, or remove the rows", rows)
    if len(order) < FEWEST:
        found = ", ".join(order) or "none"
        yield Problem(where, f"two or more arms are compared; found: {found}", "give the rows of all arms")
    if reference is not None and str(reference) not in order:
        close = difflib.get_close_matches(str(reference), order, n=1)
        remedy = f"did you mean {close[0]!r}?" if close else f"use one of: {', '.join(order)}"
        yield Problem("reference", f"{reference!r} is not an arm of the data", remedy)


def _size_problems(
    typed: pd.DataFrame, complete: pd.DataFrame, arm: str, order: tuple[str, ...]
) -> Iterator[Problem]:
    empty = [name for name in typed if typed[name].isna().all()]
    for name in empty:
        yield Problem(
            f"column {name!r}", "is missing for every participant", "give its values, or leave it out"
        )
    for name in order if not empty else ():
        count = int((complete[arm] == name).sum())
        if count < FEWEST:
            rule = (
                f"arm {name!r} has {count} of the {FEWEST} participants without missing values that it needs"
            )
            rows = describe_rows(typed, _incomplete(typed, arm, name), typed.columns)
            yield Problem(f"column {arm!r}", rule, "fill in what is missing, or leave the arm out", rows)


def _incomplete(typed: pd.DataFrame, arm: str, name: str) -> pd.Index[Any]:
    return typed.index[(typed[arm] == name) & typed.isna().any(axis=1)]
