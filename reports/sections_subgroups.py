"""Parts of a report on subgroups and effect modification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.models.subgroups.interaction_words import ALONG, GIVEN, WITHIN, multiplicity_sentence
from neurotrial.reports.figures.study_subgroups import modification_figure, subgroup_forest
from neurotrial.reports.floats import figure_float, table_float
from neurotrial.reports.markdown_text import Markdown, escape, section
from neurotrial.reports.moderated_rows import forests, moderated, number_of_tests
from neurotrial.reports.tables.subgroups import subgroup_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.floats import Plot
    from neurotrial.subgroup_plan import SubgroupPlan

__all__ = ["subgroups_section", "subgroups_summary"]


def subgroups_section(data: CitedResults) -> Markdown | None:
    """Return what every subgroup analysis found, with table and figures; None if none was declared."""
    table = subgroup_table(data)
    if table is None:
        return None
    plots = list(_plots(data))
    pointer = ", ".join([f"@tbl-{table.name}", *(f"@fig-{plot.name}" for plot in plots)])
    return section(
        "Subgroups and effect modification",
        _cautions(data),
        _verdicts(data),
        f"Details: {pointer}.",
        *map(figure_float, plots),
        table_float(table),
    )


def subgroups_summary(data: CitedResults) -> Markdown | None:
    """Return what every subgroup analysis found, in sentences that point to the supplement; None if none was declared."""
    if not data.study.subgroups:
        return None
    pointer = "Effects in each subgroup, with figures, are in the supplement."
    heading = "Subgroups and effect modification"
    return section(heading, _cautions(data), _verdicts(data), pointer, label="sec-subgroups")


def _plots(data: CitedResults) -> Iterator[Plot]:
    for number, group in enumerate(forests(data), 1):
        yield subgroup_forest(data, group, number)
    for one in moderated(data):
        plot = modification_figure(data, one)
        if plot is not None:
            yield plot


def _cautions(data: CitedResults) -> str:
    plans = data.study.subgroups
    kinds = {plan.kind for plan in plans}
    said = [
        multiplicity_sentence(len(plans), number_of_tests(data), data.study.conf_level),
        *([WITHIN] if "categorical" in kinds else []),
        *([ALONG] if kinds & {"continuous", "dose"} else []),
        *([GIVEN] if "dose" in kinds else []),
    ]
    return escape(" ".join(said))


def _verdicts(data: CitedResults) -> str:
    return "\n".join(
        f"- **{escape(plan.label)} ({plan.role}).** {escape(_verdict(data, plan))}"
        for plan in data.study.subgroups
    )


def _verdict(data: CitedResults, plan: SubgroupPlan) -> str:
    return str(data.cite(f"{plan.name}/{plan.outcome}/{plan.population}/subgroup#statement"))
