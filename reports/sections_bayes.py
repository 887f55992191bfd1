"""Parts of a report that are Bayesian: results in the manuscript, and in the supplement what they rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from neurotrial.reports.figures.pooled import pooled_figure
from neurotrial.reports.figures.predictive import predictive_figures
from neurotrial.reports.figures.priors import prior_figure
from neurotrial.reports.figures.stored_posteriors import rank_figure, stored_draws, stored_prior_figure
from neurotrial.reports.floats import figure_float, table_float
from neurotrial.reports.markdown_text import Markdown, escape, listing, paragraphs, section
from neurotrial.reports.posteriors import bayesian_analyses
from neurotrial.reports.prose.bayes import bayes_results_text, failed_posteriors_text
from neurotrial.reports.prose.bayes_methods import bayes_methods_text
from neurotrial.reports.tables.bayes import every_prior_table, posterior_table
from neurotrial.reports.tables.bayes_diagnostics import diagnostics_table
from neurotrial.reports.tables.bayes_evidence import evidence_table
from neurotrial.reports.tables.bayes_predictive import predictive_table
from neurotrial.reports.tables.bayes_priors import prior_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.floats import Plot, Tabulation
    from neurotrial.study import Analysis

__all__ = [
    "bayes_section",
    "diagnostics_section",
    "every_prior_section",
    "evidence_section",
    "predictive_section",
    "priors_section",
]

_NONE = "The study file names no Bayesian analysis."


def bayes_section(data: CitedResults) -> Markdown | None:
    """Return the posteriors of every analysis that has any, or None."""
    analyses = bayesian_analyses(data)
    if not analyses:
        return None
    return section(
        "Bayesian analyses", *(_results(data, analysis) for analysis in analyses), label="sec-bayes"
    )


def _results(data: CitedResults, analysis: Analysis) -> Markdown:
    table = posterior_table(data, analysis)
    return paragraphs(bayes_results_text(data, analysis), f"Details: @tbl-{table.name}.", table_float(table))


def priors_section(data: CitedResults) -> Markdown:
    """Return models and priors; that there are none, if so."""
    table = prior_table(data)
    if table is None:
        return Markdown(_NONE)
    return paragraphs(bayes_methods_text(data), f"All priors are in @tbl-{table.name}.", table_float(table))


def every_prior_section(data: CitedResults) -> Markdown | None:
    """Return the posteriors under every prior as figures and tables under a heading, or None."""
    return _chapter(data, "Posteriors under every prior", _every_prior)


def _every_prior(data: CitedResults, analysis: Analysis) -> Markdown:
    plots = [prior_figure(data, analysis), pooled_figure(data, analysis)]
    return _pointed(plots, every_prior_table(data, analysis))


def diagnostics_section(data: CitedResults) -> Markdown | None:
    """Return what the draws of every fit are worth under a heading, or None."""
    failed = failed_posteriors_text(data)
    lead = failed if failed.text else Markdown("No fit failed.")
    return _chapter(data, "Diagnostics of the sampler", _diagnostics, lead)


def _diagnostics(data: CitedResults, analysis: Analysis) -> Markdown:
    return _pointed([], diagnostics_table(data, analysis))


def evidence_section(data: CitedResults, folder: Path | None = None) -> Markdown | None:
    """Return the evidence of every fit under a heading, or None.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    folder : Path, optional
        The study folder; draws that it keeps are drawn for the primary analysis.
    """

    def part(data: CitedResults, analysis: Analysis) -> Markdown:
        stored = stored_draws(data, analysis, folder) if analysis.role == "primary" else []
        plots = [figure(data, analysis, stored) for figure in (stored_prior_figure, rank_figure)]
        return _pointed(plots, evidence_table(data, analysis))

    return _chapter(data, "Evidence of every fit", part)


def predictive_section(data: CitedResults) -> Markdown | None:
    """Return prior and posterior predictive checks as figures and tables under a heading, or None."""
    return _chapter(data, "Predictive checks", _predictive)


def _predictive(data: CitedResults, analysis: Analysis) -> Markdown:
    return _pointed(predictive_figures(data, analysis), predictive_table(data, analysis))


def _chapter(
    data: CitedResults,
    heading: str,
    part: Callable[[CitedResults, Analysis], Markdown],
    lead: Markdown | None = None,
) -> Markdown | None:
    """Return a heading with a part under the name of each analysis that has posteriors, or None."""
    analyses = bayesian_analyses(data)
    if not analyses:
        return None
    parts = (section(escape(analysis.label), part(data, analysis)) for analysis in analyses)
    return section(heading, lead, *parts, level=1)


def _pointed(plots: Iterable[Plot | None], table: Tabulation | None) -> Markdown:
    """Return figures and a table below a sentence that points to them."""
    shown = [plot for plot in plots if plot is not None]
    names = [f"@fig-{plot.name}" for plot in shown] + ([f"@tbl-{table.name}"] if table else [])
    if not names:
        return Markdown("There are no draws to show.")
    return paragraphs(
        f"See {listing(names)}.",
        *(figure_float(plot) for plot in shown),
        table_float(table) if table else None,
    )
