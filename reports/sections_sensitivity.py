"""Parts of the supplement on sensitivity: who is missing, tipping points, and single participants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.figures.study_sensitivity import influence_figure, tipping_figure
from neurotrial.reports.figures.what_would_change import changes_figure
from neurotrial.reports.floats import figure_float, table_float
from neurotrial.reports.markdown_text import Markdown, escape, paragraphs, section
from neurotrial.reports.sensitivity_blocks import blocks, headline
from neurotrial.reports.tables.associations import association_table, planning_table
from neurotrial.reports.tables.estimators import estimator_table
from neurotrial.reports.tables.missing import missing_table
from neurotrial.reports.tables.what_would_change import e_value_table, overview_table, variations_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.floats import Plot, Tabulation
    from neurotrial.reports.sensitivity_blocks import Block
    from neurotrial.study import Analysis, Outcome

__all__ = [
    "associations_section",
    "every_estimator_section",
    "missing_section",
    "planning_section",
    "sensitivity_section",
    "what_would_change_section",
]

_HEADING = "What would change the conclusion"
_FIGURES = {"leave_one_out": influence_figure, "tipping_point": tipping_figure}


def missing_section(data: CitedResults) -> Markdown:
    """Return the table of missing outcomes under its heading; that nobody misses any, if so."""
    table = missing_table(data)
    if table is None:
        return Markdown("Nobody misses any outcome at any visit.")
    return paragraphs("Missing outcomes are counted in @tbl-missing.", table_float(table))


def associations_section(data: CitedResults) -> Markdown | None:
    """Return how changes go together under a heading, or None if no association was declared."""
    return _tabulated("Association of changes", association_table(data))


def planning_section(data: CitedResults) -> Markdown | None:
    """Return the power of declared designs under a heading, or None if none was declared."""
    return _tabulated("Power", planning_table(data))


def _tabulated(heading: str, table: Tabulation | None) -> Markdown | None:
    return None if table is None else section(heading, f"Details: @tbl-{table.name}.", table_float(table))


def every_estimator_section(data: CitedResults) -> Markdown | None:
    """Return the estimators side by side of every analysis but the primary one that has several, or None."""
    tables = [
        estimator_table(data, analysis, outcome)
        for analysis in data.study.analyses
        if analysis.role != "primary"
        for outcome in data.outcomes_of(analysis)
        if len(set(data.methods(analysis.name, outcome.name)) - {"ancova_ols", "ancova_hc3"}) > 1
    ]
    if not tables:
        return None
    references = ", ".join(f"@tbl-{table.name}" for table in tables)
    return section(
        "Every estimator of the other analyses", f"Tables: {references}.", *map(table_float, tables)
    )


def sensitivity_section(data: CitedResults) -> Markdown | None:
    """Return what each declared sensitivity analysis found, in a sentence and a figure, or None if none was declared."""
    parts = [
        part
        for analysis in data.study.analyses
        for outcome in data.outcomes_of(analysis)
        for part in _parts(data, analysis, outcome)
    ]
    return section("Sensitivity analyses", *parts) if parts else None


def _parts(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Iterator[Markdown]:
    population = data.study.population_of(analysis).name
    for kind in analysis.sensitivity:
        key = f"{analysis.name}/{outcome.name}/{population}/{kind}"
        statement = escape(str(data.cite(f"{key}#statement")))
        plot: Plot | None = _FIGURES[kind](data, analysis, outcome)
        head = f"**{escape(analysis.label)}, {escape(outcome.label)}.** {statement}"
        if plot is None:
            yield Markdown(head)
        else:
            yield paragraphs(f"{head} See @fig-{plot.name}.", figure_float(plot))


def what_would_change_section(data: CitedResults) -> Markdown | None:
    """Return the standard sensitivity set: one table over all, then a block for each main comparison.

    Parameters
    ----------
    data : CitedResults
        Results of a fit; one without the set gives a section that says so.
    """
    shown = list(blocks(data))
    if not shown:
        return section(
            _HEADING,
            "**Not computed.** These results were fitted without the standard sensitivity set; `neurotrial fit --sensitivity` "
            "computes it.",
        )
    return section(
        _HEADING,
        f"{escape(str(data.cite('what_would_change#statement')))} All are summed up in @tbl-what-would-change and shown one "
        "by one below it.",
        table_float(overview_table(data, shown)),
        *(_block(data, block) for block in shown),
        _confounding(data),
    )


def _block(data: CitedResults, block: Block) -> Markdown:
    table, plot = variations_table(data, block), changes_figure(data, block)
    population = data.study.population_of(block.analysis).name
    key = f"{block.analysis.name}/{block.outcome.name}/{population}/what_would_change"
    statement = escape(str(data.cite(f"{key}#statement")))
    where = f"See @tbl-{table.name}" + (f" and @fig-{plot.name}." if plot else ".")
    head = headline(block, several=len(data.comparisons) > 1)
    return paragraphs(
        f"**{head}.** {statement} {where}", figure_float(plot) if plot else None, table_float(table)
    )


def _confounding(data: CitedResults) -> Markdown | None:
    table = e_value_table(data)
    if table is None:
        return None
    keys = dict.fromkeys(
        f"association/{row.values['analysis']}/{row.values['population']}/e_value"
        for row in data.rows("sensitivity", group="confounding")
    )
    said = " ".join(escape(str(data.cite(f"{key}#statement"))) for key in keys)
    return paragraphs(
        f"**Unmeasured confounding.** {said} E-values [@vanderweele2017]: @tbl-{table.name}.",
        table_float(table),
    )
