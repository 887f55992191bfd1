"""Which analyses of a study are of images: those whose outcomes all come from the table `features`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.reports.cited import CitedResults
    from neurotrial.study import Analysis

__all__ = ["imaging_analyses", "imaging_members", "is_imaging"]


def is_imaging(data: CitedResults, analysis: Analysis) -> bool:
    """Tell whether every outcome of an analysis is an imaging measure."""
    return all(outcome.source.table == "features" for outcome in data.outcomes_of(analysis))


def imaging_analyses(data: CitedResults) -> list[Analysis]:
    """Return the analyses of imaging measures, in the order of the plan; the primary one has a section of its own."""
    return [item for item in data.study.analyses if item.role != "primary" and is_imaging(data, item)]


def imaging_members(data: CitedResults) -> tuple[str, pd.Series[str]]:
    """Return the participants that figures of images show: the population of the first analysis of images.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    str
        Label of the population; "all randomised" without such an analysis, or where the store lacks its flag.
    Series of str
        Arm as randomised, by participant.
    """
    rows = data.results.tables["outcomes"].drop_duplicates("participant_id").set_index("participant_id")
    for analysis in data.study.analyses:
        population = data.study.population_of(analysis)
        if is_imaging(data, analysis) and (population.flag is None or population.flag in rows):
            kept = (
                rows
                if population.flag is None
                else rows[rows[population.flag].fillna(value=False).astype(bool)]
            )
            return population.label, kept["arm"]
    return "all randomised", rows["arm"]
