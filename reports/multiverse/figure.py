"""The specification curve of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.models.specifications.curve import curve_figure
from neurotrial.reports.cited import derived
from neurotrial.reports.figures.style import in_house_style, mark_simulated, note_simulated
from neurotrial.reports.floats import Plot
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.multiverse.specifications import (
    decision_labels,
    multiverse_outcome,
    specification_frame,
)
from neurotrial.reports.number_format import number, percent

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults

__all__ = ["curve_plot"]


@in_house_style
def curve_plot(data: CitedResults) -> Plot:
    """Draw every specification that could be fitted.

    Parameters
    ----------
    data : CitedResults
        Results with a multiverse.
    """
    rows = specification_frame(data)
    figure = curve_figure(rows, list(decision_labels(data.study).values()))
    mark_simulated(figure, data.study)
    level = percent(data.study.conf_level)
    caption = (
        f"Specification curve of {escape(multiverse_outcome(data.study))}: difference between the arms in baseline SDs with its "
        f"{escape(level)} interval under every specification, in the order of the estimates; below, the options of each and its number "
        "of participants. Blue: the interval excludes 0. Diamond and line: the pre-specified specification. Above 0 is a benefit."
    )
    fitted = rows[rows["status"] == "ok"]
    low, high = (number(value, 2) for value in (fitted["estimate_sd"].min(), fitted["estimate_sd"].max()))
    clear = int(((fitted["conf_low_sd"] > 0) | (fitted["conf_high_sd"] < 0)).sum())
    reference = number(fitted.loc[fitted["reference"], "estimate_sd"].iloc[0], 2)
    alt = (
        f"{len(fitted)} estimates from {low} to {high} baseline SDs, {derived('number of specifications', clear)} of them with an interval that excludes 0; the "
        f"pre-specified one is {reference}.{note_simulated(data.study)}"
    )
    return Plot("specification-curve", figure, Markdown(caption), alt)
