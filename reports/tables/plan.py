"""The estimands of the study file as a table of their five attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurotrial.reports.floats import Tabulation
from neurotrial.reports.markdown_text import Markdown
from neurotrial.reports.tables.style import make_table

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.study import Estimand, Study

__all__ = ["estimand_table"]


def estimand_table(data: CitedResults) -> Tabulation:
    """Return the estimands with population, treatment, variable, intercurrent events and summary measure.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Tabulation
        Five rows an estimand, as ICH E9(R1) names them.
    """
    rows = [
        {"estimand": estimand.label, "attribute": attribute, "text": text}
        for estimand in data.study.estimands
        for attribute, text in _attributes(data.study, estimand)
    ]
    labels = {"attribute": "Attribute", "text": "Definition"}
    table = make_table("estimands", rows, labels, row_label="attribute", group="estimand", centre=False)
    return Tabulation("estimands", table, Markdown("Estimands by their five attributes [@ich2019]."))


def _attributes(study: Study, estimand: Estimand) -> Iterator[tuple[str, str]]:
    population = next(item for item in study.populations if item.name == estimand.population)
    description = f": {population.description}" if population.description else ""
    yield "Population", f"{population.label}{description}"
    yield "Treatment", estimand.treatment
    yield (
        "Variable",
        f"{estimand.variable} ({'; '.join(study.outcome(name).label for name in estimand.outcomes)})",
    )
    yield "Intercurrent events", "; ".join(_events(estimand)) or "none declared"
    yield "Population-level summary", estimand.summary


def _events(estimand: Estimand) -> Iterator[str]:
    for event in estimand.intercurrent_events:
        note = f", {event.note}" if event.note else ""
        yield f"{event.event}: {event.strategy.replace('_', ' ')}{note}"
