"""Table of the subgroup analyses: effects by level and along a number, and the tests whether they differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, listing
from neurotrial.reports.moderated_rows import moderated, moderator_unit, where_words
from neurotrial.reports.number_format import MISSING, interval, number, p_cell, plain
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow
    from neurotrial.reports.moderated_rows import Moderated

__all__ = ["subgroup_table"]


def subgroup_table(data: CitedResults) -> Tabulation | None:
    """Return the subgroup analyses, or None if none was declared.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Tabulation or None
        A group of rows for each analysis and contrast, its test last.
    """
    rows = [
        {
            "group": _heading(data, one),
            "what": _what(data, one, row),
            "n": _counts(one, row),
            "effect": _effect(data, one, row),
            "p": _p(row),
        }
        for one in moderated(data)
        for row in one.rows
        if row.values["method"] != "effect_curve"
    ]
    if not rows:
        return None
    columns = {"what": "Estimate", "n": "n", "effect": "Difference (interval)", "p": "p of interaction"}
    table = make_table("subgroups", rows, columns, row_label="what", group="group", notes=_notes(data))
    return Tabulation("subgroups", table, Markdown("Subgroup analyses and effect modification."))


def _heading(data: CitedResults, one: Moderated) -> str:
    arms = " minus ".join(data.arm_label(name) for name in one.arms)
    return f"{one.plan.label} ({one.plan.role}): {where_words(data, one.plan)}; {arms}"


def _what(data: CitedResults, one: Moderated, row: CitedRow) -> str:
    method, unit = row.values["method"], moderator_unit(data, one.plan)
    value = " ".join(filter(None, (plain(float(row.values["value"])), unit)))
    return {
        "overall_effect": "Overall",
        "subgroup_effect": str(row.values["level"]),
        "subgroup_difference": f"Difference, {str(row.values['level']).replace(' - ', ' less ')}",
        "effect_slope": f"Change per {value}",
        "effect_at": f"At {value}",
        "interaction": "Interaction",
    }[method]


def _counts(one: Moderated, row: CitedRow) -> str:
    import json

    counts = json.loads(row["n_per_arm"])
    return " / ".join(str(counts[name]) for name in one.arms[::-1]) if counts else MISSING


def _effect(data: CitedResults, one: Moderated, row: CitedRow) -> str:
    if row.values["status"] == "failed":
        return f"not estimable: {row['reason']}"
    if row.values["method"] == "interaction":
        test = f"F({plain(float(row['num_df']))}, {plain(float(row['df']))}) = {number(row['statistic'], 2)}"
        return f"{test}; {row['reason']}" if row.values["reason"] else test
    outcome = data.study.outcome(one.plan.outcome)
    digits = outcome.digits + (row.values["method"] == "effect_slope")
    limits = interval(row["conf_low"], row["conf_high"], digits)
    return f"{number(row['estimate'], digits)} {outcome.unit} ({limits})"


def _p(row: CitedRow) -> str:
    return p_cell(row["p_value"]) if row.values["method"] == "interaction" else MISSING


def _notes(data: CitedResults) -> Iterator[str]:
    arms = listing(
        dict.fromkeys(" / ".join(data.arm_label(name) for name in one.arms[::-1]) for one in moderated(data))
    )
    plans = data.study.subgroups
    yield f"n: {arms}. {100 * data.study.conf_level:.4g} % t intervals, pointwise along a number."
    errors = " and ".join(
        dict.fromkeys({"HC3": "HC3", "OLS": "least squares"}[plan.errors] for plan in plans)
    )
    yield f"One linear model each with baseline, arm, subgroup and their interaction; standard errors: {errors}."
    yield "Overall: without the interaction, in all participants. Effects in levels and along a number are not tested."
