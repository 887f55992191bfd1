"""Predictive checks as small multiples: participants beside what prior and posterior predict, one row an outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.reports.cited import derived
from neurotrial.reports.effects import BAYES_LABELS
from neurotrial.reports.figures.style import (
    LINE,
    WIDTH,
    arm_styles,
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
from neurotrial.reports.number_format import interval, number
from neurotrial.reports.participants_drawn import axis_label, drawn_arms, who
from neurotrial.reports.posteriors import bayes_kinds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.figures.style import ArmStyle
    from neurotrial.reports.participants_drawn import Drawn
    from neurotrial.study import Analysis, Outcome

__all__ = ["ROWS", "Band", "predictive_figures"]

ROWS = 4
"""Outcomes that one figure holds."""

_ROW = 1.5
_PLACES = {"prior": 0, "posterior": 1}
_OBSERVED = 2
_GREYS = {"prior": "0.75", "posterior": "0.45"}


@dataclass(frozen=True, slots=True)
class Band:
    """Quantiles of one new participant: 2.5, 25, 50, 75 and 97.5 %, in the unit of the outcome."""

    low: float
    q1: float
    median: float
    q3: float
    high: float


_Arms = dict[str, tuple["Drawn", dict[str, Band]]]
"""By arm: those observed, and the bands of prior and posterior."""


def predictive_figures(data: CitedResults, analysis: Analysis) -> list[Plot]:
    """Draw the outcomes of an analysis at follow-up under the neutral prior, at most `ROWS` a figure.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        One with Bayesian methods; its first model is drawn.

    Returns
    -------
    list of Plot
        Empty if there is no check.
    """
    kind = bayes_kinds(analysis)[0]
    found = [(outcome, _arms(data, analysis, outcome, kind)) for outcome in data.outcomes_of(analysis)]
    shown = [(outcome, arms) for outcome, arms in found if arms]
    parts = [shown[i : i + ROWS] for i in range(0, len(shown), ROWS)]
    return [_figure(data, analysis, kind, part, place) for place, part in enumerate(parts, 1)]


def _arms(data: CitedResults, analysis: Analysis, outcome: Outcome, kind: str) -> _Arms:
    visit = data.study.estimand_of(analysis).visit
    rows = data.rows(
        "predictive",
        analysis=analysis.name,
        outcome=outcome.name,
        method=f"{kind}_neutral",
        statistic="value",
        visit=visit,
    )
    arms: _Arms = {}
    for name, drawn in drawn_arms(data, analysis, outcome).items():
        bands = {
            row.values["source"]: Band(*(float(row[end]) for end in ("low", "q1", "median", "q3", "high")))
            for row in rows
            if row.values["arm"] == name
        }
        if bands:
            arms[name] = (drawn, bands)
    return arms


@in_house_style
def _figure(
    data: CitedResults, analysis: Analysis, kind: str, shown: list[tuple[Outcome, _Arms]], place: int
) -> Plot:
    heads = [fitted(axis_label(outcome), WIDTH - 0.3) for outcome, _ in shown]
    heights = [_ROW + LINE * (line_count(head) + 2.6) for head in heads]
    figure = new_figure(sum(heights) + label_height(data.study))
    rows = figure.subfigures(len(shown), 1, height_ratios=heights, squeeze=False)[:, 0]
    for row, head, (outcome, arms) in zip(rows, heads, shown, strict=True):
        row.suptitle(head, fontsize=9.5, fontweight="bold")
        _draw_row(data, row, outcome, arms)
    mark_simulated(figure, data.study)
    name = f"predictive-{analysis.name.replace('_', '-')}-{place}"
    outcomes = "; ".join(outcome.label for outcome, _ in shown)
    counts = dict.fromkeys(
        who(data, analysis, outcome, {arm: drawn for arm, (drawn, _) in arms.items()})
        for outcome, arms in shown
    )
    numbers = f" ({escape(next(iter(counts)))})" if len(counts) == 1 else " (counts above each panel)"
    caption = (
        f"{escape(analysis.label)}, predictive checks at follow-up of the {escape(BAYES_LABELS[kind])}, neutral prior: {escape(outcomes)}. "
        f"Bars: 95 % (thin) and 50 % (thick) of one new participant, white mark: median; points: those observed{numbers}. Dotted lines: ends of the "
        "declared range where it is near, which the model does not know. The axis holds participants and posteriors; priors may reach "
        f"beyond it.{_lost_words(shown)}"
    )
    return Plot(name, figure, Markdown(caption), _alt(data, shown))


def _lost_words(shown: list[tuple[Outcome, _Arms]]) -> str:
    lost = [
        outcome.label
        for outcome, arms in shown
        if any("posterior" not in bands for _, bands in arms.values())
    ]
    return escape(f" Without posterior, because the fit failed: {'; '.join(lost)}.") if lost else ""


def _draw_row(data: CitedResults, row: SubFigure, outcome: Outcome, arms: _Arms) -> None:
    panels = row.subplots(1, len(arms), sharey=True, squeeze=False)[0]
    styles, limits = arm_styles(data.study), _limits(arms)
    ends = [end for end in outcome.range or () if limits[0] <= end <= limits[1]]
    for panel, (name, (drawn, bands)) in zip(panels, arms.items(), strict=True):
        for source, band in bands.items():
            _draw_band(panel, _PLACES[source], band, _GREYS[source])
        _draw_people(panel, drawn, styles[name])
        for end in ends:
            panel.axhline(end, color="0.4", linewidth=0.9, linestyle=":")
        panel.set_title(
            fitted(f"{drawn.label} (n = {len(drawn.after)})", WIDTH / len(arms) - 0.5), fontsize=9
        )
        panel.set_xticks([*_PLACES.values(), _OBSERVED], [*_PLACES, "observed"])
        panel.set_xlim(-0.5, _OBSERVED + 0.5)
    panels[0].set_ylim(*limits)


def _draw_band(panel: Axes, x: int, band: Band, colour: str) -> None:
    panel.plot([x, x], [band.low, band.high], color=colour, linewidth=2, solid_capstyle="butt")
    panel.plot([x, x], [band.q1, band.q3], color=colour, linewidth=9, solid_capstyle="butt")
    panel.plot(x, band.median, "_", color="white", markersize=9, markeredgewidth=1.6)


def _draw_people(panel: Axes, drawn: Drawn, style: ArmStyle) -> None:
    # spread by rank, so that the figure is the same every time
    order = np.argsort(np.argsort(drawn.after))
    spread = 0.24 * np.sin(2.4 * order)
    panel.plot(_OBSERVED + spread, drawn.after, style.marker, color=style.colour, markersize=3.6, alpha=0.8)


def _limits(arms: _Arms) -> tuple[float, float]:
    """Return limits that hold participants and posteriors; priors and the range may lie outside."""
    ends: list[float] = []
    for drawn, bands in arms.values():
        ends += [float(drawn.after.min()), float(drawn.after.max())]
        band = bands.get("posterior", bands["prior"])
        ends += [band.low, band.high]
    room = 0.06 * (max(ends) - min(ends))
    return min(ends) - room, max(ends) + room


def _alt(data: CitedResults, shown: list[tuple[Outcome, _Arms]]) -> str:
    words = "; ".join(
        f"{outcome.label}, {drawn.label}: {derived('participants', len(drawn.after))} observed from {number(drawn.after.min(), outcome.digits)} to "
        f"{number(drawn.after.max(), outcome.digits)}, "
        + ", ".join(
            f"{source} predicts {interval(band.low, band.high, outcome.digits)}"
            for source, band in bands.items()
        )
        for outcome, arms in shown
        for drawn, bands in arms.values()
    )
    return f"Observed participants beside 95 % predictive ranges. {words}.{note_simulated(data.study)}"
