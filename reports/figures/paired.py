"""Each participant's two values as a line, one panel an arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.reports.figures.style import (
    LINE,
    WIDTH,
    arm_styles,
    fitted,
    in_house_style,
    line_count,
    mark_simulated,
    new_figure,
    note_simulated,
)
from neurotrial.reports.floats import Plot
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import interval, number
from neurotrial.reports.participants_drawn import Drawn, axis_label, drawn_arms, interval_name, who

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.figures.style import ArmStyle
    from neurotrial.study import Analysis, Outcome

__all__ = ["draw_arms", "means_in_words", "paired_figure", "visit_labels"]


@in_house_style
def paired_figure(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Plot | None:
    """Draw each participant's two values as a line, one panel an arm, with the arm's mean and its interval.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        Gives follow-up visit and population.
    outcome : Outcome
        The outcome.

    Returns
    -------
    Plot or None
        None if no participant has both visits.
    """
    arms = drawn_arms(data, analysis, outcome)
    if not arms:
        return None
    column = (WIDTH - 0.8) / len(arms)
    titles = [fitted(arm.heading, column) for arm in arms.values()]
    visits = [fitted(label, column / 2 - 0.2) for label in visit_labels(data, analysis)]
    figure = new_figure(3.2 + LINE * (line_count(*titles) + line_count(*visits)))
    first = draw_arms(data, figure, arms, titles, visits)
    first.set_ylabel(fitted(axis_label(outcome), 2.8))
    mark_simulated(figure, data.study)
    level = interval_name(data.study.conf_level)
    caption = (
        f"{escape(outcome.label)} of each participant at both visits ({escape(who(data, analysis, outcome, arms))}). "
        f"Thick line: mean of the arm with {escape(level)} of the mean (t)."
    )
    alt = f"{outcome.label}: one line a participant, one panel an arm. {means_in_words(data, analysis, outcome, arms)}"
    return Plot(
        f"paired-{outcome.name}".replace("_", "-"),
        figure,
        Markdown(caption),
        alt + note_simulated(data.study),
    )


def visit_labels(data: CitedResults, analysis: Analysis) -> tuple[str, str]:
    """Return the labels of both visits of an analysis."""
    return data.study.baseline_visit.label, data.estimand_visit(analysis)[1]


def draw_arms(
    data: CitedResults,
    place: FigureBase,
    arms: dict[str, Drawn],
    titles: list[str],
    visits: list[str],
    **text: Any,
) -> Axes:
    """Draw a row of panels that share a scale, one an arm; `text` styles the titles. Return the first of them."""
    styles = arm_styles(data.study)
    panels = place.subplots(1, len(arms), sharey=True, squeeze=False)[0]
    for panel, title, (name, arm) in zip(panels, titles, arms.items(), strict=True):
        _draw_pairs(panel, arm, styles[name], data.study.conf_level)
        panel.set_title(title, **text)
        panel.set_xticks([0, 1], visits)
    first: Axes = panels[0]
    return first


def _draw_pairs(panel: Axes, arm: Drawn, style: ArmStyle, level: float) -> None:
    """Draw the two values of each participant of an arm, and its mean with the interval at both visits."""
    panel.plot([0, 1], [arm.before, arm.after], color=style.colour, alpha=0.35, linewidth=0.8)
    for x, values in enumerate((arm.before, arm.after)):
        panel.plot(
            np.full(len(values), x), values, style.marker, color=style.colour, alpha=0.5, markersize=3.5
        )
    mean, low, high = arm.mean_interval(level)
    panel.errorbar(
        [-0.08, 1.08], mean, yerr=[mean - low, high - mean], color="black", linestyle=style.line, linewidth=2,
        marker=style.marker, markersize=7, capsize=4, markerfacecolor=style.colour, zorder=3,
    )  # fmt: skip
    panel.set_xlim(-0.3, 1.3)


def means_in_words(data: CitedResults, analysis: Analysis, outcome: Outcome, arms: dict[str, Drawn]) -> str:
    """Return the mean of each arm at both visits with its interval, for alternative texts."""
    visits = visit_labels(data, analysis)
    return " ".join(
        f"{arm.heading}: {_mean_words(arm, outcome, visits, data.study.conf_level)}." for arm in arms.values()
    )


def _mean_words(arm: Drawn, outcome: Outcome, visits: tuple[str, str], level: float) -> str:
    words = [
        f"mean {number(mean, outcome.digits)} ({interval_name(level)} {interval(low, high, outcome.digits)}) at {visit}"
        for visit, (mean, low, high) in zip(visits, arm.mean_interval(level).T, strict=True)
    ]
    return ", ".join(words)
