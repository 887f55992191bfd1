"""Parts of a report that belong together: sentences with the tables and figures that they refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.figures.flow import flow_figure
from neurotrial.reports.figures.forest import forest_figure
from neurotrial.reports.figures.paired import paired_figure
from neurotrial.reports.figures.scatter import scatter_figure
from neurotrial.reports.floats import figure_float, table_float
from neurotrial.reports.imaging_analyses import is_imaging
from neurotrial.reports.markdown_text import Markdown, escape, for_authors, paragraphs, section
from neurotrial.reports.prose.counts import flow_text, harms_text, missing_text
from neurotrial.reports.prose.results import effects_text, family_text, requested_text, undefined_ratios_text
from neurotrial.reports.tables.estimators import estimator_table, within_arm_table
from neurotrial.reports.tables.harms import harms_table
from neurotrial.reports.tables.outcomes import outcome_table
from neurotrial.reports.tables.participants import baseline_table, flow_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.floats import Plot
    from neurotrial.study import Analysis, Outcome

__all__ = [
    "analysis_label",
    "baseline_section",
    "estimators_section",
    "families_section",
    "flow_section",
    "forest_section",
    "harms_section",
    "other_analyses",
    "primary_section",
    "within_arms_section",
]


def flow_section(data: CitedResults) -> Markdown:
    """Return the flow in sentences, as a diagram and as a table, and what is missing."""
    pointer = "The flow stands in @fig-flow, every count in @tbl-flow."
    return paragraphs(
        flow_text(data),
        pointer,
        figure_float(flow_figure(data)),
        table_float(flow_table(data)),
        missing_text(data),
    )


def baseline_section(data: CitedResults) -> Markdown | None:
    """Return Table 1 under its heading, or None if no characteristic is declared."""
    table = baseline_table(data)
    if table is None:
        return None
    return section(
        "Baseline characteristics",
        "Characteristics at baseline are in @tbl-baseline.",
        table_float(table),
        label="sec-baseline",
    )


def primary_section(data: CitedResults) -> Markdown:
    """Return the primary result in sentences, its table, and both figures of each primary outcome."""
    analysis = data.primary
    table = outcome_table(data, analysis)
    plots = [plot for outcome in data.outcomes_of(analysis) for plot in _plots(data, analysis, outcome)]
    figures = ", ".join(f"@fig-{plot.name}" for plot in plots)
    pointer = f"@tbl-{table.name}" + (f" and {figures}" if figures else "")
    return paragraphs(
        effects_text(data, analysis),
        f"Details: {pointer}.",
        table_float(table),
        *(figure_float(plot) for plot in plots),
    )


def _plots(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Iterator[Plot]:
    draws: tuple[Callable[[CitedResults, Analysis, Outcome], Plot | None], ...] = (
        paired_figure,
        scatter_figure,
    )
    for draw in draws:
        plot = draw(data, analysis, outcome)
        if plot is not None:
            yield plot


def estimators_section(data: CitedResults) -> Markdown | None:
    """Return requested and baseline-adjusted analysis side by side, or None if the primary analysis has one estimator."""
    analysis = data.primary
    outcomes = [
        outcome
        for outcome in data.outcomes_of(analysis)
        if len(data.methods(analysis.name, outcome.name)) > 1
    ]
    if not outcomes:
        return None
    heading = (
        "Requested and baseline-adjusted analyses" if analysis.requested_method else "Estimators side by side"
    )
    return section(heading, *(part for outcome in outcomes for part in _estimators(data, analysis, outcome)),
                   undefined_ratios_text(data, analysis), label="sec-estimators")  # fmt: skip


def _estimators(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Iterator[Markdown | str]:
    table = estimator_table(data, analysis, outcome)
    yield requested_text(data, analysis, outcome)
    yield f"All estimators are in @tbl-{table.name}."
    yield table_float(table)


def analysis_label(analysis: Analysis) -> str:
    """Return the label of an analysis's section, e.g. ``sec-sensitivity-per-protocol``."""
    return f"sec-{analysis.role}-{analysis.name.replace('_', '-')}"


def other_analyses(data: CitedResults) -> Markdown | None:
    """Return a section for each analysis but the primary one and those of images, or None if there is no other."""
    parts = [
        _other(data, analysis)
        for analysis in data.study.analyses
        if analysis.role != "primary" and not is_imaging(data, analysis)
    ]
    return paragraphs(*parts) if parts else None


def _other(data: CitedResults, analysis: Analysis) -> Markdown | None:
    table = outcome_table(data, analysis)
    heading = f"{escape(analysis.label)} ({analysis.role})"
    return section(
        heading,
        effects_text(data, analysis),
        f"Details: @tbl-{table.name}.",
        table_float(table),
        label=analysis_label(analysis),
    )


def families_section(data: CitedResults) -> Markdown | None:
    """Return what multiplicity leaves of each family, or None if no family is declared."""
    texts = (family_text(data, family) for family in data.study.families)
    return section("Families of p-values", *texts, label="sec-families")


def forest_section(data: CitedResults) -> Markdown | None:
    """Return the forest plot under its heading, or None if nothing can be drawn."""
    plot = forest_figure(data)
    if plot is None:
        return None
    return section(
        "All outcomes together",
        "The main contrasts of all outcomes are in @fig-forest.",
        figure_float(plot),
        label="sec-forest",
    )


def within_arms_section(data: CitedResults) -> Markdown | None:
    """Return changes within the arms beside the contrasts between them, or None if none was planned."""
    tables = [
        table for analysis in data.study.analyses if (table := within_arm_table(data, analysis)) is not None
    ]
    if not tables:
        return None
    pointer = "Changes within each arm describe its course; they are shown with the contrast between the arms, which compares them"
    references = ", ".join(f"@tbl-{table.name}" for table in tables)
    floats = map(table_float, tables)
    return section("Change within the arms", f"{pointer} ({references}).", *floats, label="sec-within-arms")


def harms_section(data: CitedResults) -> Markdown | None:
    """Return adverse events in sentences and as a table; a sentence for the authors if none were recorded."""
    table = harms_table(data)
    if table is None:
        words = "no table of harms was given: say how harms were recorded, and what they were"
        return section("Harms", for_authors(words), label="sec-harms")
    pointer = "Terms are in @tbl-harms."
    return section("Harms", harms_text(data), pointer, table_float(table), label="sec-harms")
