"""The door of imputation: a long table becomes participants by visits, with what is missing and from when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem, refuse
from neurotrial.models.checks import arm_order, arm_problems, missing_columns
from neurotrial.models.design import covariate_matrix, covariate_problems, term_columns
from neurotrial.models.missing_data.events import first_affected
from neurotrial.models.visits import change_problems, known_visits, row_problems
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["Layout", "layout"]

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Participants by visits.

    Attributes
    ----------
    subject : str
        Column with the participants, the first of `people`.
    people : DataFrame
        One row per participant: the subject column, ``arm``, and the columns of the covariates.
    arms : tuple of str
        In order, the reference first.
    arm : array of int, shape (n,)
        Position of each participant's arm in `arms`.
    visits : tuple of str
        Visits after baseline.
    outcomes : array of float, shape (n, T)
        Outcome at these visits; NaN where it is missing.
    baseline : array of float, shape (n,)
        Baseline value; NaN where it is missing.
    same_scale : bool
        Whether the baseline is the outcome at an earlier visit, and not a column of its own.
    covariates : array of float, shape (n, k)
        Centred at their means.
    covariate_names : tuple of str
        Names of its columns.
    affected : array of int, shape (n,)
        First visit that an event affects, counted from 0; T for participants without one.
    decisions : tuple of str
        What was decided about visits and events.
    """

    subject: str
    people: pd.DataFrame
    arms: tuple[str, ...]
    arm: np.ndarray
    visits: tuple[str, ...]
    outcomes: FloatArray
    baseline: FloatArray
    same_scale: bool
    covariates: FloatArray
    covariate_names: tuple[str, ...]
    affected: np.ndarray
    decisions: tuple[str, ...]

    @property
    def reference(self) -> str:
        """The arm that the others are compared with."""
        return self.arms[0]

    @property
    def n_per_arm(self) -> dict[str, int]:
        """All participants by arm."""
        return {name: int((self.arm == number).sum()) for number, name in enumerate(self.arms)}

    @property
    def missing(self) -> np.ndarray:
        """Which outcomes are missing, shape (n, T)."""
        return np.isnan(self.outcomes)


def layout(
    data: pd.DataFrame,
    *,
    outcome: str,
    subject: str,
    visit: str,
    arm: str,
    covariates: Sequence[str],
    events: pd.DataFrame | None,
    infer_events: bool,
    reference: str | None,
    baseline: str | None,
    baseline_visit: str | None,
) -> Layout:
    """Check a long table and lay it out.

    Parameters
    ----------
    data : DataFrame
        One row per participant and visit; a visit without a row counts as missing.
    outcome, subject, visit, arm, covariates, events, reference, baseline, baseline_visit
        As in `neurotrial.models.impute`.
    infer_events : bool
        Whether, without `events`, the visits missing to the end are taken as those that an event affects.

    Returns
    -------
    Layout
        In order of appearance.

    Raises
    ------
    InputError
        If a column breaks its rule, a participant has no arm or changes it, an arm has fewer than two values at a
        visit, a covariate is missing, or an event names a participant or visit that does not exist.
    """
    columns = list(dict.fromkeys(name for term in covariates for name in term_columns(term, data)))
    fixed = [arm, *columns, *([baseline] if baseline else [])]
    frame = _checked(data, outcome, subject, visit, arm, covariates, fixed, reference)
    people = frame.drop_duplicates(subject).reset_index(drop=True)
    people.index.name = "row"
    first, names, decisions = _visits(frame[visit], baseline, baseline_visit)
    values = _wide(frame, subject, visit, outcome, people[subject], names)
    base = _wide(frame, subject, visit, outcome, people[subject], [first])[:, 0] if first else None
    if base is None:
        base = people[baseline].to_numpy(dtype="float64", na_value=np.nan)
    order = arm_order(people[arm], reference)
    first_arm = str(reference) if reference is not None else order[0]
    arms = (first_arm, *(name for name in order if name != first_arm))
    code = pd.Index(arms).get_indexer(pd.Index(people[arm].astype("str")))
    matrix = _covariates(people, covariates, subject)
    affected, said = first_affected(
        events, values, people[subject], names, subject, visit, infer=infer_events
    )
    problems = list(_size_problems(values, code, arms, names, arm))
    if problems:
        raise InputError(problems)
    kept = people[[subject, arm, *columns]].rename(columns={arm: "arm"})
    return Layout(
        subject=subject,
        people=kept,
        arms=arms,
        arm=code,
        visits=tuple(names),
        outcomes=values,
        baseline=base,
        same_scale=first is not None,
        covariates=matrix.to_numpy() - matrix.to_numpy().mean(axis=0),
        covariate_names=tuple(str(name) for name in matrix.columns),
        affected=affected,
        decisions=(*decisions, *said),
    )


def _checked(
    data: pd.DataFrame,
    outcome: str,
    subject: str,
    visit: str,
    arm: str,
    covariates: Sequence[str],
    fixed: Sequence[str],
    reference: str | None,
) -> pd.DataFrame:
    problems = [
        *missing_columns(data, dict.fromkeys([subject, visit, outcome, *fixed])),
        *covariate_problems(covariates, data, (outcome, arm, visit, subject)),
    ]
    if problems:
        raise InputError(problems)
    frame = data.reset_index(drop=True)
    frame.index.name = "row"
    problems = list(row_problems(frame, outcome, visit, subject))
    for name in fixed:
        rule = "the arm changes" if name == arm else "the value changes"
        problems += change_problems(frame, name, subject, visit, rule)
    if not problems:
        people = frame.drop_duplicates(subject)
        problems += arm_problems(people[[subject, arm]], arm, arm_order(people[arm], reference), reference)
    if problems:
        raise InputError(problems)
    return frame


def _visits(
    values: pd.Series[Any], baseline: str | None, baseline_visit: str | None
) -> tuple[str | None, list[str], list[str]]:
    """Return the baseline visit (None if a column holds the baseline), the later visits, and what was decided."""
    known, ordered = known_visits(values)
    said = (
        []
        if ordered or len(known) <= _FEWEST
        else [f"order of visits by first appearance: {', '.join(known)}"]
    )
    if baseline is not None:
        return None, known, said
    first = str(baseline_visit) if baseline_visit is not None else None
    if first is None:
        first = known[0] if ordered else ("baseline" if "baseline" in known else None)
    if first not in known:
        rule = "cannot be told from the data" if first is None else f"{first!r} is not a visit of the data"
        remedy = (
            f"name it, one of: {', '.join(known)}; or name the column that holds the baseline: baseline=..."
        )
        raise refuse("baseline_visit", rule, remedy)
    later = known[known.index(first) + 1 :] if ordered else [name for name in known if name != first]
    if not later:
        raise refuse("baseline_visit", f"no visit follows {first!r}", f"the visits are: {', '.join(known)}")
    return first, later, said


def _wide(
    frame: pd.DataFrame, subject: str, visit: str, outcome: str, people: pd.Series[Any], names: Sequence[str]
) -> FloatArray:
    person = pd.Index(people).get_indexer(pd.Index(frame[subject]))
    at = pd.Index(list(names)).get_indexer(pd.Index(frame[visit].astype("str")))
    wide = np.full((len(people), len(names)), np.nan)
    kept = at >= 0
    wide[person[kept], at[kept]] = frame[outcome].to_numpy(dtype="float64", na_value=np.nan)[kept]
    return wide


def _covariates(people: pd.DataFrame, covariates: Sequence[str], subject: str) -> pd.DataFrame:
    matrix = covariate_matrix(people, covariates)
    lacking = people.index[~np.isfinite(matrix.to_numpy()).all(axis=1)]
    if len(lacking):
        names = [name for term in covariates for name in term_columns(term, people)]
        rows = describe_rows(people, lacking, dict.fromkeys([subject, *names]))
        remedy = (
            "fill in what is missing, or leave the covariate out: outcomes are imputed, covariates are not"
        )
        raise refuse("covariates", "must be finite numbers or levels for every participant", remedy, rows)
    return matrix


def _size_problems(
    values: FloatArray, code: np.ndarray, arms: Sequence[str], visits: Sequence[str], arm: str
) -> Iterator[Problem]:
    for number, name in enumerate(arms):
        seen = (~np.isnan(values[code == number])).sum(axis=0)
        for count, visit in zip(seen, visits, strict=True):
            if count < _FEWEST:
                rule = (
                    f"arm {name!r} has {count} values at {visit!r}; an arm needs {_FEWEST} to be imputed from"
                )
                yield Problem(f"column {arm!r}", rule, "leave out the visit or the arm")
