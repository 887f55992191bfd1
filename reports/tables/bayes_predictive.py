"""What was observed beside the predictions of the Bayesian models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.cited import derived
from neurotrial.reports.effects import capitalised, model_label
from neurotrial.reports.family import outcome_named
from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import (
    MISSING,
    interval,
    is_missing,
    number,
    percent,
    probability,
)
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults, CitedRow
    from neurotrial.study import Analysis

__all__ = ["predictive_table"]

Row = dict[str, str]
_STATISTICS = {"mean": "mean", "sd": "SD", "minimum": "minimum", "maximum": "maximum"}
_RARE = 0.025


def predictive_table(data: CitedResults, analysis: Analysis, prior: str = "neutral") -> Tabulation | None:
    """Return what was observed beside its posterior predictive distribution, under one prior.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        One with Bayesian methods.
    prior : str
        Set of the prior of the effect.

    Returns
    -------
    Tabulation or None
        One row for each outcome, model, visit and arm; None where there is no check.
    """
    rows = [
        row
        for row in data.rows("predictive", analysis=analysis.name, source="prior", statistic="mean")
        if row.values["method"].endswith(prior)
    ]
    if not rows:
        return None
    labels = {"what": "Model, visit, arm"} | {name: capitalised(word) for name, word in _STATISTICS.items()}
    name = f"predictive-{analysis.name}".replace("_", "-")
    spanners = [("Observed (95 % of posterior replicates)", list(_STATISTICS))]
    notes = [
        "Replicates: as many new participants, with the arms (ANCOVA: and baselines) of those observed.",
        *_missed_notes(data, analysis, prior),
        *_outside_notes(data, analysis, prior),
    ]
    cells = [_check(data, row) for row in rows]
    table = make_table(name, cells, labels, spanners=spanners, row_label="what", group="outcome", notes=notes)
    caption = (
        f"{escape(analysis.label)}: posterior predictive checks of the Bayesian models by arm, {prior} prior."
    )
    return Tabulation(name, table, Markdown(caption))


def _check(data: CitedResults, row: CitedRow) -> Row:
    outcome = outcome_named(data.study, row.values["outcome"])
    model = model_label(row.values["method"].rpartition("_")[0])
    place = f"{data.visit_label(row.values['visit'])}, {data.arm_label(row.values['arm'])}"
    stem = row.key.rpartition("/")[0]
    cells = {}
    for statistic in _STATISTICS:
        seen = data.row("predictive", f"{stem}/{statistic}")
        fitted = data.row("predictive", f"{stem}/{statistic}".replace("/prior/", "/posterior/", 1))
        ends = "failed" if fitted is None else interval(fitted["low"], fitted["high"], outcome.digits)
        observed = MISSING if seen is None else number(seen["observed"], outcome.digits)
        cells[statistic] = f"{observed} ({ends})"
    return {"outcome": f"{outcome.label}, {outcome.unit}", "what": f"{model}, {place}", **cells}


def _missed_notes(data: CitedResults, analysis: Analysis, prior: str) -> Iterator[str]:
    """Yield the statistics that hardly any replicate reaches."""
    missed = [
        f"{outcome_named(data.study, row.values['outcome']).label}, {model_label(row.values['method'].rpartition('_')[0])}, "
        f"{data.visit_label(row.values['visit'])}, {data.arm_label(row.values['arm'])}: "
        f"{_STATISTICS[row.values['statistic']]} ({probability(row['probability'])})"
        for row in data.rows("predictive", analysis=analysis.name, source="posterior")
        if row.values["method"].endswith(prior)
        and row.values["statistic"] in _STATISTICS
        and not _RARE <= float(row["probability"]) <= 1 - _RARE
    ]
    words = f"Features that the model misses (share of replicates at or above what was observed below {_RARE} or above {derived('share of replicates', 1 - _RARE)})"
    yield f"{words}: {'; '.join(missed) or 'none'}."


def _outside_notes(data: CitedResults, analysis: Analysis, prior: str) -> Iterator[str]:
    """Yield how many replicated values lie outside the declared range, which a Gaussian model does not know."""
    for outcome in data.outcomes_of(analysis):
        shares: dict[str, list[float]] = {}
        for row in data.rows("predictive", analysis=analysis.name, outcome=outcome.name, statistic="value"):
            if row.values["method"].endswith(prior) and not is_missing(row.values["outside_range"]):
                shares.setdefault(row.values["source"], []).append(float(row["outside_range"]))
        if shares:
            words = ", ".join(f"{source} {percent(max(found))}" for source, found in shares.items())
            yield f"{outcome.label}: replicated values outside the declared range, at most: {words}."
