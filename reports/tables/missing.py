"""The table of missing outcomes: by population, outcome, visit and arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown
from neurotrial.reports.number_format import p_cell, whole
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults

__all__ = ["missing_table"]


def missing_table(data: CitedResults) -> Tabulation | None:
    """Return how many miss each outcome at each visit, by arm; None if nobody misses anything.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Tabulation or None
        Rows for the visits at which somebody misses a value.
    """
    study = data.study
    labels = {outcome.name: outcome.label for outcome in study.outcomes}
    labels |= {visit.name: visit.label for visit in study.visits}
    labels |= {population.name: population.label for population in study.populations}
    grouped: dict[tuple[str, str, str], dict[str, tuple[int, int, float]]] = {}
    for row in data.rows("missingness"):
        place = (row.values["population"], row.values["outcome"], row.values["visit"])
        grouped.setdefault(place, {})[row.values["arm"]] = (row["n_missing"], row["n"], row["p_value"])
    rows = [
        {
            "population": labels[population],
            "what": f"{labels[outcome]}, {labels[visit]}",
            **{arm.name: _count(found.get(arm.name)) for arm in study.arms},
            "p": p_cell(next(iter(found.values()))[2]),
        }
        for (population, outcome, visit), found in grouped.items()
        if any(count for count, *_ in found.values())
    ]
    if not rows:
        return None
    heads = {"what": "Outcome and visit", **{arm.name: arm.label for arm in study.arms}, "p": "p"}
    notes = [
        "Cells: participants without a value of all in the population.",
        "p: Fisher's exact test over two arms; it does not tell whether values are missing at random.",
    ]
    table = make_table("missing", rows, heads, row_label="what", group="population", notes=notes)
    return Tabulation("missing", table, Markdown("Missing outcomes by population, visit and arm."))


def _count(found: tuple[int, int, float] | None) -> str:
    return "" if found is None else f"{whole(found[0])} of {whole(found[1])}"
