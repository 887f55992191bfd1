"""The door of a long table: one row per participant and visit becomes one row per participant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from neurotrial.errors import InputError, Problem
from neurotrial.models.checks import missing_columns, number_problems
from neurotrial.models.design import term_columns
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TwoVisits", "change_problems", "known_visits", "row_problems", "two_visits"]

_MADE = ("arm", "baseline", "follow_up")
_NAMED_BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class TwoVisits:
    """Two visits of every participant side by side.

    Attributes
    ----------
    frame : DataFrame
        One row per participant, in order of appearance: the subject column, ``arm``, ``baseline``, ``follow_up`` and
        the covariates. What a participant misses is missing.
    baseline_visit, follow_up : str
        Names of the two visits.
    """

    frame: pd.DataFrame
    baseline_visit: str
    follow_up: str


def two_visits(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    visit: str,
    subject: str,
    covariates: Sequence[str] = (),
    baseline_visit: str | None = None,
    follow_up: str | None = None,
) -> TwoVisits:
    """Check a long table and put baseline and follow-up side by side.

    Parameters
    ----------
    data : DataFrame
        One row per participant and visit.
    outcome, arm, visit, subject : str
        Columns with the value, the arm, the visit and the participant.
    covariates : sequence of str
        Columns or formula terms; their columns are constant within a participant.
    baseline_visit, follow_up : str, optional
        The two visits. By default the first and the last where the visits are numbers or an ordered categorical;
        else ``"baseline"`` and the only other one.

    Returns
    -------
    TwoVisits
        Participants without one of the visits are kept, with a missing value.

    Raises
    ------
    InputError
        If a column is absent, the outcome is not finite numbers, a participant or visit is missing or occurs twice,
        arm or covariates change within a participant, or the visits cannot be told.
    """
    columns = list(dict.fromkeys(name for term in covariates for name in term_columns(term, data)))
    problems = missing_columns(data, dict.fromkeys([subject, arm, visit, outcome, *columns]))
    if problems:
        raise InputError(problems)
    frame = data if data.index.is_unique else data.reset_index(drop=True)
    problems = [*row_problems(frame, outcome, visit, subject), *_name_problems(columns, subject)]
    for name, rule in [(arm, "the arm changes"), *((name, "a covariate changes") for name in columns)]:
        problems += change_problems(frame, name, subject, visit, rule)
    names = _visit_names(frame[visit], baseline_visit, follow_up)
    problems += [name for name in names if isinstance(name, Problem)]
    if problems:
        raise InputError(problems)
    first, last = (str(name) for name in names)
    people = frame.drop_duplicates(subject).rename(columns={arm: "arm"})[[subject, "arm", *columns]]
    wide = people.assign(baseline=_at(frame, first, outcome, visit, subject, people[subject]))
    wide["follow_up"] = _at(frame, last, outcome, visit, subject, people[subject])
    return TwoVisits(wide.reset_index(drop=True), first, last)


def _at(frame: pd.DataFrame, name: str, outcome: str, visit: str, subject: str, people: Iterable[Any]) -> Any:
    values = frame[frame[visit].astype(str) == name].set_index(subject)[outcome]
    return values.reindex(list(people)).to_numpy(dtype="float64", na_value=float("nan"))


def row_problems(frame: pd.DataFrame, outcome: str, visit: str, subject: str) -> Iterator[Problem]:
    """Yield outcomes that are no numbers, rows without participant or visit, and visits that occur twice."""
    shown = (subject, visit, outcome)
    yield from number_problems(frame, outcome, shown)
    for name in (subject, visit):
        lacking = frame.index[frame[name].isna()]
        if len(lacking):
            rows = describe_rows(frame, lacking, shown)
            yield Problem(f"column {name!r}", "must not be missing", "fill it in, or remove the rows", rows)
    doubled = frame.index[frame.duplicated([subject, visit], keep=False)]
    if len(doubled):
        rule = "a participant has a visit more than once"
        rows = describe_rows(frame, doubled, shown)
        yield Problem(
            f"columns {subject!r}, {visit!r}", rule, "keep one row for each participant and visit", rows
        )


def _name_problems(columns: Sequence[str], subject: str) -> Iterator[Problem]:
    for name in columns:
        if name in {*_MADE, subject}:
            yield Problem(
                f"covariate {name!r}", "has a name that the comparison uses itself", "rename the column"
            )
    if subject in _MADE:
        rule = "has a name that the comparison uses itself"
        yield Problem(f"column {subject!r}", rule, "rename the column with the participants")


def change_problems(frame: pd.DataFrame, name: str, subject: str, visit: str, rule: str) -> Iterator[Problem]:
    """Yield the rows where a column changes within a participant."""
    distinct = frame.groupby(subject)[name].nunique(dropna=False)
    rows = frame.index[frame[subject].isin(distinct.index[distinct > 1])]
    if len(rows):
        described = describe_rows(frame, rows, (subject, visit, name))
        remedy = "give every row of a participant the same value"
        yield Problem(f"column {name!r}", f"{rule} within a participant", remedy, described)


def _visit_names(
    values: pd.Series[Any], baseline_visit: str | None, follow_up: str | None
) -> list[str | Problem]:
    """Return the names of baseline and follow-up, each a problem where it cannot be told."""
    known, ordered = known_visits(values)
    named = _NAMED_BASELINE if _NAMED_BASELINE in known and not ordered else None
    first = str(baseline_visit) if baseline_visit is not None else named or (known[0] if ordered else None)
    others = [name for name in known if name != first]
    last = others[-1] if others and (ordered or len(others) == 1) else None
    last = str(follow_up) if follow_up is not None else last
    if first is not None and first == last:
        rule = f"{first!r} cannot be both visits"
        return [first, Problem("follow_up", rule, "name two visits")]
    return [_known(name, place, known) for name, place in ((first, "baseline_visit"), (last, "follow_up"))]


def known_visits(values: pd.Series[Any]) -> tuple[list[str], bool]:
    """Return the visits that occur, and whether their order is known."""
    present = values.dropna()
    if isinstance(present.dtype, pd.CategoricalDtype):
        found = set(present)
        return [str(name) for name in present.cat.categories if name in found], bool(present.cat.ordered)
    numbers = pd.api.types.is_numeric_dtype(present)
    names = present.unique().tolist()
    return [str(name) for name in (sorted(names) if numbers else names)], numbers


def _known(name: str | None, place: str, known: Sequence[str]) -> str | Problem:
    listed = ", ".join(known) or "none"
    if name is None:
        rule = "cannot be told from the data"
        return Problem(place, rule, f"name it; the visits are: {listed}")
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {close[0]!r}?" if close else f"use one of: {listed}"
        return Problem(place, f"{name!r} is not a visit of the data", remedy)
    return name
