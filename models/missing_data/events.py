"""From when a participant's outcomes are affected: declared events, or the visits missing to the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neurotrial.errors import InputError, Problem
from neurotrial.models.checks import missing_columns
from neurotrial.table_checks import describe_rows

if TYPE_CHECKING:
    from neurotrial.models.student import FloatArray

__all__ = ["first_affected"]


def first_affected(
    events: pd.DataFrame | None,
    values: FloatArray,
    people: pd.Series[Any],
    visits: Sequence[str],
    subject: str,
    visit: str,
    *,
    infer: bool,
) -> tuple[np.ndarray, list[str]]:
    """Return the first visit that is affected, for each participant.

    Parameters
    ----------
    events : DataFrame or None
        Columns `subject` and `visit`: the first visit after the event. The earliest of several counts.
    values : array of float, shape (n, T)
        Outcomes after baseline.
    people : Series, shape (n,)
        Participants.
    visits : sequence of str
        The T visits.
    subject, visit : str
        Names of the columns.
    infer : bool
        Whether missing to the end counts as an event, where `events` is None.

    Returns
    -------
    first : array of int, shape (n,)
        From 0; T where there is no event.
    decisions : list of str
        What was decided.

    Raises
    ------
    InputError
        If a participant or a visit is not one of the data.
    """
    n, T = values.shape
    if events is None:
        if not infer:
            return np.full(n, T), []
        seen = ~np.isnan(values)
        last = np.where(seen.any(axis=1), T - np.argmax(seen[:, ::-1], axis=1), 0)
        count = int((last < T).sum())
        return last, [
            f"no events were given: outcomes missing to the last visit count as affected ({count} participants), gaps before them are missing at random"
        ]
    return _declared(events, people, visits, subject, visit, T), []


def _declared(
    events: pd.DataFrame, people: pd.Series[Any], visits: Sequence[str], subject: str, visit: str, T: int
) -> np.ndarray:
    problems = missing_columns(events, [subject, visit])
    if problems:
        raise InputError(problems)
    frame = events.reset_index(drop=True)
    who = pd.Index(people).get_indexer(pd.Index(frame[subject]))
    when = pd.Index(list(visits)).get_indexer(pd.Index(frame[visit].astype("str")))
    wanted = {
        subject: (who, "an event belongs to a participant of the data", "correct the participant"),
        visit: (when, "an event names the first visit that it affects", f"use one of: {', '.join(visits)}"),
    }
    for column, (position, rule, remedy) in wanted.items():
        bad = frame.index[position < 0]
        if len(bad):
            rows = describe_rows(frame, bad, (subject, visit))
            problems.append(Problem(f"events: {column!r}", rule, remedy, rows))
    if problems:
        raise InputError(problems)
    first = np.full(len(people), T)
    np.minimum.at(first, who, when)
    return first
