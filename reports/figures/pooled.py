"""Pooled effects: each outcome by itself and within the hierarchical model, above the effect they are pooled towards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurotrial.reports.effect_cells import not_drawn
from neurotrial.reports.effects import BAYES_LABELS, method_label
from neurotrial.reports.family import is_family
from neurotrial.reports.figures.priors import Shown, standardised
from neurotrial.reports.figures.style import (
    LINE,
    fitted,
    in_house_style,
    line_count,
    mark_simulated,
    new_figure,
    note_simulated,
)
from neurotrial.reports.floats import Plot
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import number, probability
from neurotrial.reports.posteriors import POOLED, bayes_kinds, posterior_outcomes, posteriors_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.study import Analysis

__all__ = ["PooledRow", "pooled_figure", "pooled_rows"]

_PRIOR = "neutral"
_ALONE = "bayes_ancova"
_LABEL = 2.3
_APART = 0.15
_POOLED, _OUTCOME, _SINGLE = "#D55E00", "#000000", "0.55"


@dataclass(frozen=True, slots=True)
class PooledRow:
    """An effect in baseline SDs, oriented to benefit.

    Attributes
    ----------
    shown : Shown
        From the hierarchical model.
    alone : Shown or None
        The same outcome by itself.
    """

    shown: Shown
    alone: Shown | None

    @property
    def family(self) -> bool:
        """Whether it is the effect that the others are pooled towards."""
        return is_family(self.shown.effect.outcome)


def pooled_rows(data: CitedResults, analysis: Analysis) -> tuple[list[PooledRow], list[Effect]]:
    """Return the effects of a hierarchical model under the neutral prior, the pooled ones last, and those that failed."""
    rows, lost = [], []
    for outcome in posterior_outcomes(data, analysis):
        singles = (
            posteriors_of(data, analysis, outcome, _ALONE)[_PRIOR] if _ALONE in bayes_kinds(analysis) else []
        )
        for effect in posteriors_of(data, analysis, outcome, POOLED)[_PRIOR]:
            shown = standardised(data, effect, _PRIOR)
            twin = next((one for one in singles if one.contrast == effect.contrast), None)
            if shown is None:
                lost.append(effect)
            else:
                rows.append(PooledRow(shown, standardised(data, twin, _PRIOR) if twin else None))
    return rows, lost


@in_house_style
def pooled_figure(data: CitedResults, analysis: Analysis) -> Plot | None:
    """Draw the effects of an analysis whose outcomes are pooled.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        The analysis.

    Returns
    -------
    Plot or None
        None without a hierarchical model that did not fail.
    """
    rows, lost = pooled_rows(data, analysis) if POOLED in bayes_kinds(analysis) else ([], [])
    if not rows:
        return None
    several = len(data.comparisons) > 1
    labels = [_label(row, several=several) for row in rows]
    figure = new_figure(1.5 + LINE * (line_count(*labels) + 1.4) * len(rows))
    panel = figure.subplots()
    panel.axvline(0, color="0.5", linewidth=1, zorder=0)
    for y, row in enumerate(rows):
        _draw(panel, row, y)
    first = next((y for y, row in enumerate(rows) if row.family), len(rows))
    panel.axhline(first - 0.5, color="0.8", linewidth=0.8)
    panel.set_yticks(range(len(rows)), labels)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    ends = [abs(end) for row in rows for one in _both(row) for end in (one.low, one.high)]
    panel.set_xlim(-1.08 * max(ends), 1.08 * max(ends))
    panel.set_xlabel("Difference in baseline SDs; right of 0: benefit")
    _legend(panel, rows)
    mark_simulated(figure, data.study)
    name = f"pooled-{analysis.name}".replace("_", "-")
    return Plot(name, figure, _caption(analysis, rows, lost), _alt(data, rows))


def _both(row: PooledRow) -> Iterator[Shown]:
    yield row.shown
    if row.alone is not None:
        yield row.alone


def _label(row: PooledRow, *, several: bool) -> str:
    effect = row.shown.effect
    return fitted(f"{effect.outcome.label}{f': {effect.comparison}' if several else ''}", _LABEL)


def _draw(panel: Axes, row: PooledRow, y: float) -> None:
    colour, marker, size = (_POOLED, "D", 7.5) if row.family else (_OUTCOME, "o", 5.5)
    shown, place = row.shown, y if row.alone is None else y - _APART
    panel.plot([shown.low, shown.high], [place, place], color=colour, linewidth=1.8)
    panel.plot(shown.estimate, place, marker, color=colour, markersize=size)
    if row.alone is not None:
        panel.plot([row.alone.low, row.alone.high], [y + _APART] * 2, color=_SINGLE, linewidth=1.2)
        panel.plot(
            row.alone.estimate, y + _APART, "s", color=_SINGLE, markersize=4.5, markerfacecolor="white"
        )


def _legend(panel: Axes, rows: list[PooledRow]) -> None:
    from matplotlib.lines import Line2D

    marks = [("D", _POOLED, "Pooled effect"), ("o", _OUTCOME, "Outcome, partially pooled")]
    if any(row.alone is not None for row in rows):
        marks.append(("s", _SINGLE, "Outcome alone"))
    handles = [
        Line2D([], [], color=colour, marker=marker, linewidth=1.6, label=label,
               markerfacecolor="white" if marker == "s" else colour)
        for marker, colour, label in marks
    ]  # fmt: skip
    figure = panel.get_figure()
    if figure is not None:
        figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=len(handles))


def _caption(analysis: Analysis, rows: list[PooledRow], lost: list[Effect]) -> Markdown:
    kinds = "; ".join(dict.fromkeys(row.shown.effect.interval_name for row in rows))
    alone = [row.alone.effect for row in rows if row.alone is not None]
    beside = (
        f" Below each outcome: its posterior by itself ({escape(method_label(alone[0].method))})."
        if alone
        else ""
    )
    return Markdown(
        f"{escape(analysis.label)}: posteriors of the {escape(BAYES_LABELS[POOLED])}, {_PRIOR} prior, in baseline SDs, oriented by the "
        f"outcome's direction, with the effect that the outcomes are pooled towards. Markers: posterior means; lines: {escape(kinds)}."
        f"{beside}{not_drawn(lost)}"
    )


def _alt(data: CitedResults, rows: list[PooledRow]) -> str:
    words = "; ".join(
        f"{row.shown.effect.outcome.label}, {row.shown.effect.comparison}: {number(row.shown.estimate, 2)} SD "
        f"({number(row.shown.low, 2)} to {number(row.shown.high, 2)}), probability of benefit {probability(row.shown.effect.benefit)}"
        for row in rows
    )
    return f"Forest plot of effects by outcome with the pooled effect, positive for a benefit. {words}.{note_simulated(data.study)}"
