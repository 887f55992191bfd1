"""Sentences of when things happened: from stroke to baseline, to treatment, and the visits with their windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.cited import ALL_ARMS
from neurotrial.reports.markdown_text import Markdown, escape, for_authors, listing, paragraphs
from neurotrial.reports.number_format import is_missing, number, plain, whole

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow
    from neurotrial.study import Visit

__all__ = ["timing_text"]

_STAGES = {
    "days_stroke_to_baseline": "From stroke to baseline it took",
    "days_randomisation_to_treatment": "From randomisation to treatment it took",
}
_MISSING = {
    "days_stroke_to_baseline": "the results hold no days from stroke to baseline: say how long after the stroke participants were included",
    "days_randomisation_to_treatment": "the results hold no days from randomisation to treatment: say when the treatment was given",
    "days_since_randomisation": "the results hold no days of visits: say when participants were assessed, and how many outside the visit windows",
}
_KEPT = {"keep": "their values were kept", "exclude": "their values were left out"}


def timing_text(data: CitedResults) -> Markdown:
    """Return when stages and visits took place, by arm, and which visits missed their window.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Markdown
        One paragraph, and one for the authors for each of these that the results do not hold.
    """
    stages = {name: _stage(data, name) for name in _STAGES}
    visits = " ".join(text for visit in data.study.visits if (text := _visit(data, visit)))
    told = {**stages, "days_since_randomisation": visits}
    known = " ".join(text for text in told.values() if text)
    return paragraphs(
        escape(known) if known else None,
        *(for_authors(_MISSING[name]) for name, text in told.items() if not text),
    )


def _rows(data: CitedResults, variable: str, visit: str = "") -> Iterator[tuple[str, CitedRow]]:
    """Yield label and row of each arm that has a value."""
    for arm in data.study.arms:
        place = "/".join(part for part in (variable, visit) if part)
        row = data.row("descriptives", f"timing/randomised/{place}/{arm.name}")
        if row is not None and row.values["n"]:
            yield arm.label, row


def _days(row: CitedRow) -> str:
    median, q1, q3 = (number(row[name], 0) for name in ("median", "q1", "q3"))
    return f"a median of {median} days (IQR {q1} to {q3}, n = {whole(row['n'])})"


def _stage(data: CitedResults, name: str) -> str:
    parts = [f"{_days(row)} with {label}" for label, row in _rows(data, name)]
    return f"{_STAGES[name]} {listing(parts)}." if parts else ""


def _visit(data: CitedResults, visit: Visit) -> str:
    rows = dict(_rows(data, "days_since_randomisation", visit.name))
    # the day of a baseline that is the day of randomisation says nothing
    if not rows or (visit.baseline and not any(row.values["maximum"] for row in rows.values())):
        return ""
    when = listing(f"{_days(row)} with {label}" for label, row in rows.items())
    return f"The visit {visit.label} took place after {when}{_outside(data, visit, rows)}."


def _outside(data: CitedResults, visit: Visit, rows: dict[str, CitedRow]) -> str:
    everybody = data.row(
        "descriptives", f"timing/randomised/days_since_randomisation/{visit.name}/{ALL_ARMS}"
    )
    if visit.window is None or everybody is None or is_missing(everybody.values["count"]):
        return ""
    low, high = (plain(day) for day in visit.window)
    by_arm = listing(f"{whole(row['count'])} ({label})" for label, row in rows.items())
    words = f"; {whole(everybody['count'])} of {whole(everybody['n'])} visits were outside the window of {low} to {high} days: {by_arm}"
    kept = f"; {_KEPT[data.study.visit_rules.outside_window]}" if everybody.values["count"] else ""
    return words + kept
