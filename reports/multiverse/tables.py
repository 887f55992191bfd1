"""Tables of the multiverse: joint tests, and what the estimates depend on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neurotrial.multiverse_plan import MODELS
from neurotrial.reports.effects import method_label
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown
from neurotrial.reports.multiverse.specifications import decision_labels
from neurotrial.reports.number_format import number, p_cell, percent, whole
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow

__all__ = ["joint_table", "left_out_table", "share_table"]

_STATISTICS = {
    "median": "Median effect, baseline SDs",
    "share": "Significant in one direction",
    "stouffer": "Stouffer's z",
}


def joint_table(data: CitedResults) -> Tabulation | None:
    """Return the joint tests, or None if no specification is linear and Gaussian."""
    rows = data.rows("joint_tests")
    if not rows:
        return None
    shown = [
        {
            "statistic": _STATISTICS[row.values["statistic"]],
            "observed": _value(row, "observed"),
            "null": f"{_value(row, 'null_median')} ({_value(row, 'null_low')} to {_value(row, 'null_high')})",
            "p": p_cell(row["p_value"]),
        }
        for row in rows
    ]
    heads = {
        "statistic": "Statistic",
        "observed": "Observed",
        "null": "Without any effect: median (95 % range)",
        "p": "p",
    }
    first = rows[0]
    notes = [
        (
            f"{whole(first['n_specifications'])} linear Gaussian specifications under {whole(first['n_labellings'])} labellings; "
            f"{first['scheme']}."
        ),
        "p: two-sided, of the sharp null that the treatment changes nobody (Simonsohn, Simmons and Nelson 2020).",
    ]
    table = make_table("joint-tests", shown, heads, row_label="statistic", notes=notes)
    return Tabulation("joint-tests", table, Markdown("All specifications together."))


def _value(row: CitedRow, column: str) -> str:
    value = row[column]
    return percent(value) if row.values["statistic"] == "share" else number(value, 2)


def share_table(data: CitedResults) -> Tabulation:
    """Return the share of the variance of the estimates by decision, largest first."""
    labels = {**decision_labels(data.study), "interactions": "Interactions of decisions"}
    rows = sorted(data.rows("decision_shares"), key=lambda row: -row.values["share"])
    shown = [
        {
            "decision": labels[row.values["decision"]],
            "share": percent(row["share"]),
            "range": "" if row.values["decision"] == "interactions" else number(row["range"], 2),
        }
        for row in rows
    ]
    heads = {
        "decision": "Decision",
        "share": "Share of variance",
        "range": "Largest difference of options, baseline SDs",
    }
    notes = ["Share: mean increase of R squared over all orders of the decisions (main effects)."]
    table = make_table("decision-shares", shown, heads, row_label="decision", notes=notes)
    return Tabulation("decision-shares", table, Markdown("What the estimates depend on."))


def left_out_table(data: CitedResults) -> Tabulation | None:
    """Return how many combinations are no specification, or failed, and why; None if there are none."""
    rows = [
        {"reason": _worded(str(row["words"])), "count": whole(row["value"]), "kind": "No specification"}
        for row in data.rows("multiverse")
        if row.values["what"].startswith("left_out_")
    ]
    failed: dict[str, int] = {}
    for row in data.rows("specifications", status="failed"):
        reason = str(row["reason"])
        failed[reason] = failed.get(reason, 0) + 1
    rows += [
        {"reason": reason, "count": whole(count), "kind": "Could not be fitted"}
        for reason, count in failed.items()
    ]
    if not rows:
        return None
    heads = {"reason": "Reason", "count": "Combinations"}
    table = make_table("left-out", rows, heads, row_label="reason", group="kind")
    return Tabulation("left-out", table, Markdown("Combinations of decisions without an estimate."))


def _worded(reason: str) -> str:
    """Return a reason with the label of a model in the place of its slug."""
    return re.sub(r"\b[a-z]+(?:_[a-z0-9]+)+\b", lambda found: _label(found[0]), reason)


def _label(slug: str) -> str:
    return method_label(slug) if slug in MODELS else slug
