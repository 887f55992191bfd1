"""Adverse events by arm as treated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.reports.cited import derived
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown
from neurotrial.reports.number_format import MISSING, count_percent, interval, is_missing, number, whole
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow

__all__ = ["difference_cell", "harms_table"]

_OVERALL = {
    "any": "Any adverse event",
    "any serious": "Any serious event",
    "any related": "Any related event",
}
_COLUMNS = {"who": "Participants, n (%)", "events": "Events", "serious": "Serious", "related": "Related"}


def harms_table(data: CitedResults) -> Tabulation | None:
    """Return participants with events, events, serious and related events by term.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Tabulation or None
        None if the study recorded no table of harms.
    """
    terms = dict.fromkeys(str(row.values["term"]) for row in data.rows("harms_summary"))
    if not terms:
        return None
    labels = {"term": "Event"}
    spanners: list[tuple[str, list[str]]] = []
    for arm in data.study.arms:
        labels |= {f"{arm.name}_{column}": label for column, label in _COLUMNS.items()}
        columns = [f"{arm.name}_{column}" for column in _COLUMNS]
        spanners.append((f"{arm.label} (n = {_at_risk(data, arm.name)})", columns))
    compared = data.comparisons if "risk_difference" in data.results.tables["harms_summary"] else ()
    level = f"{100 * data.study.conf_level:.4g} %"
    for arm_name in compared:
        head = f"Risk difference, % ({level} CI)"
        several = f", {data.arm_label(arm_name)}" if len(compared) > 1 else ""
        labels[f"{arm_name}_difference"] = head + several
    rows = []
    for term in terms:
        row = {"term": _OVERALL.get(term, term)}
        for arm in data.study.arms:
            row |= _cells(arm.name, next(iter(data.rows("harms_summary", term=term, arm=arm.name)), None))
        rows.append(row | {f"{arm}_difference": difference_cell(data, term, arm) for arm in compared})
    notes = ["Percentages are of participants in the arm as treated; a participant may have several events."]
    if compared:
        notes.append(
            f"Risk difference: participants with the event, arm less {data.study.reference_arm.label}, in percentage points; exact "
            f"{level} confidence interval (CI) by inverted score tests."
        )
    table = make_table("harms", rows, labels, spanners=spanners, row_label="term", notes=notes)
    return Tabulation("harms", table, Markdown("Adverse events by arm as treated."))


def difference_cell(data: CitedResults, term: str, arm: str) -> str:
    """Return the difference of risks in percentage points with its interval, a dash where there is none."""
    row = data.row("harms_summary", f"harms/{term}/{arm}")
    if row is None or is_missing(row.values.get("risk_difference")):
        return MISSING
    difference, low, high = (
        derived(f"{row.key}#{name} in percentage points", 100 * float(row[name]))
        for name in ("risk_difference", "conf_low", "conf_high")
    )
    return f"{number(difference, 0)} ({interval(low, high, 0)})"


def _at_risk(data: CitedResults, arm: str) -> str:
    rows = data.rows("harms_summary", arm=arm)
    return whole(rows[0]["n_at_risk"]) if rows else MISSING


def _cells(arm: str, row: CitedRow | None) -> dict[str, str]:
    if row is None:
        return {f"{arm}_{column}": MISSING for column in _COLUMNS}
    at_risk = row["n_at_risk"]
    return {
        f"{arm}_who": count_percent(
            row["n_participants"], row["n_participants"] / at_risk if at_risk else None
        ),
        f"{arm}_events": whole(row["n_events"]),
        f"{arm}_serious": whole(row["n_serious"]),
        f"{arm}_related": whole(row["n_related"]),
    }
