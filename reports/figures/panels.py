"""All outcomes of an analysis as small multiples: each participant's two values, one row an outcome, one column an arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neurotrial.reports.figures.paired import draw_arms, means_in_words, visit_labels
from neurotrial.reports.figures.style import (
    LINE,
    WIDTH,
    fitted,
    in_house_style,
    label_height,
    line_count,
    mark_simulated,
    new_figure,
    note_simulated,
)
from neurotrial.reports.floats import Plot
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.participants_drawn import axis_label, drawn_arms, interval_name, who

if TYPE_CHECKING:
    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.participants_drawn import Drawn
    from neurotrial.study import Analysis, Outcome

__all__ = ["ROWS", "outcome_panels"]

ROWS = 4
"""Outcomes that one figure holds; more are spread over several, so that none gets tiny."""

_ROW = 1.45
"""Height of a row of panels without its labels, in inches."""

TALLEST = 10.4
"""Height of a figure in inches, at most: with its caption it still fits a page."""

_Shown = list[tuple["Outcome", dict[str, "Drawn"]]]


def outcome_panels(data: CitedResults, analysis: Analysis) -> list[Plot]:
    """Draw the outcomes of an analysis, at most `ROWS` a figure, fewer where labels take much room.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        Gives outcomes, follow-up visit and population.

    Returns
    -------
    list of Plot
        Outcomes of which no participant has both visits are left out; empty if that is every one.
    """
    drawn = [(outcome, drawn_arms(data, analysis, outcome)) for outcome in data.outcomes_of(analysis)]
    shown = [(outcome, arms) for outcome, arms in drawn if arms]
    return [
        _figure(data, analysis, part, number) for number, part in enumerate(_pages(data, analysis, shown), 1)
    ]


def _pages(data: CitedResults, analysis: Analysis, shown: _Shown) -> list[_Shown]:
    """Spread outcomes evenly over as few figures as hold them."""
    for parts in range(-(-len(shown) // ROWS), len(shown) + 1):
        pages = [[shown[i] for i in part] for part in np.array_split(range(len(shown)), max(parts, 1))]
        if all(sum(_layout(data, analysis, page).heights) <= TALLEST for page in pages):
            break
    return [page for page in pages if page]


class _Layout(NamedTuple):
    """The wrapped labels of a figure's rows, and the height of each row in inches."""

    visits: list[str]
    heads: list[str]
    titles: list[list[str]]
    heights: list[float]


@in_house_style
def _layout(data: CitedResults, analysis: Analysis, shown: _Shown) -> _Layout:
    width = (WIDTH - 0.8) / max((len(arms) for _, arms in shown), default=1)
    visits = [fitted(label, width / 2 - 0.2) for label in visit_labels(data, analysis)]
    heads = [fitted(axis_label(outcome), WIDTH - 0.3) for outcome, _ in shown]
    titles = [[fitted(arm.heading, width) for arm in arms.values()] for _, arms in shown]
    heights = [
        _ROW + LINE * (line_count(head) + line_count(*row) + line_count(*visits) + 0.6)
        for head, row in zip(heads, titles, strict=True)
    ]
    return _Layout(visits, heads, titles, heights)


@in_house_style
def _figure(data: CitedResults, analysis: Analysis, shown: _Shown, number: int) -> Plot:
    visits, heads, titles, heights = _layout(data, analysis, shown)
    figure = new_figure(sum(heights) + label_height(data.study))
    rows = figure.subfigures(len(shown), 1, height_ratios=heights, squeeze=False)[:, 0]
    for row, head, names, (_, arms) in zip(rows, heads, titles, shown, strict=True):
        row.suptitle(head, fontsize=9.5, fontweight="bold")
        draw_arms(data, row, arms, names, visits, fontsize=9)
    mark_simulated(figure, data.study)
    name = f"panels-{analysis.name.replace('_', '-')}-{number}"
    return Plot(name, figure, _caption(data, analysis, shown), _alt(data, analysis, shown))


def _caption(data: CitedResults, analysis: Analysis, shown: _Shown) -> Markdown:
    level = escape(interval_name(data.study.conf_level))
    counts = dict.fromkeys(who(data, analysis, outcome, arms) for outcome, arms in shown)
    number = f" ({escape(next(iter(counts)))})" if len(counts) == 1 else " (counts above each panel)"
    outcomes = escape("; ".join(outcome.label for outcome, _ in shown))
    return Markdown(
        f"{escape(analysis.label)}: {outcomes}. Each participant at both visits{number}. Thick line: mean of the arm with "
        f"{level} of the mean (t)."
    )


def _alt(data: CitedResults, analysis: Analysis, shown: _Shown) -> str:
    parts = (f"{outcome.label}. {means_in_words(data, analysis, outcome, arms)}" for outcome, arms in shown)
    words = " ".join(parts)
    return (
        f"One line a participant, one row an outcome, one column an arm. {words}{note_simulated(data.study)}"
    )
