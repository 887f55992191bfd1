"""Follow-up against baseline, one point a participant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from neurotrial.reports.figures.style import (
    LINE,
    arm_legend,
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
from neurotrial.reports.participants_drawn import Drawn, axis_label, drawn_arms, who

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.figures.style import ArmStyle
    from neurotrial.study import Analysis, Outcome

__all__ = ["scatter_figure"]


@in_house_style
def scatter_figure(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Plot | None:
    """Draw follow-up against baseline, with the line of no change and the baseline-adjusted mean of each arm.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    analysis : Analysis
        Gives follow-up visit, population and adjusted means.
    outcome : Outcome
        The outcome.

    Returns
    -------
    Plot or None
        None if no participant has both visits. Adjusted means stand at the mean baseline of those drawn.
    """
    arms = drawn_arms(data, analysis, outcome)
    if not arms:
        return None
    legend = [fitted(arm.heading, 5.5) for arm in arms.values()]
    below = fitted(f"{axis_label(outcome)}: {data.study.baseline_visit.label}", 5.0)
    figure = new_figure(4.0 + LINE * (line_count(below) + sum(map(line_count, legend))))
    panel = figure.subplots()
    styles = arm_styles(data.study)
    for name, arm in arms.items():
        style = styles[name]
        panel.plot(arm.before, arm.after, style.marker, color=style.colour, alpha=0.65, markersize=5)
    everyone = np.concatenate([np.stack([arm.before, arm.after]) for arm in arms.values()], axis=1)
    panel.axline((everyone.mean(), everyone.mean()), slope=1, color="0.55", linewidth=1, linestyle=":")
    means = list(_adjusted_means(data, analysis, outcome))
    _draw_adjusted(panel, means, everyone[0].mean(), styles)
    panel.set_xlabel(below)
    panel.set_ylabel(fitted(f"{axis_label(outcome)}: {data.estimand_visit(analysis)[1]}", 3.5))
    arm_legend(figure, dict(zip(arms, legend, strict=True)), styles)
    mark_simulated(figure, data.study)
    caption = (
        f"{escape(outcome.label)} at follow-up against baseline ({escape(who(data, analysis, outcome, arms))}). Dotted line: "
        "no change."
        + (f" Large markers: baseline-adjusted means with {escape(means[0][4])}." if means else "")
    )
    return Plot(
        f"scatter-{outcome.name}".replace("_", "-"),
        figure,
        Markdown(caption),
        _scatter_alt(data, outcome, arms, means),
    )


AdjustedMean = tuple[str, float, float, float, str]
"""Arm, mean, limits and name of the interval."""


def _adjusted_means(data: CitedResults, analysis: Analysis, outcome: Outcome) -> Iterator[AdjustedMean]:
    for effect in data.effects(analysis.name, outcome.name, analysis.main_method, "lsmean"):
        if effect.estimate is not None and effect.low is not None and effect.high is not None:
            yield effect.arm, effect.estimate, effect.low, effect.high, effect.interval_name


def _draw_adjusted(panel: Axes, means: list[AdjustedMean], x: float, styles: dict[str, ArmStyle]) -> None:
    """Draw the adjusted means beside each other around the mean baseline, so that none hides another."""
    width = 0.012 * np.ptp(panel.get_xlim())
    for place, (arm, mean, low, high, _) in enumerate(means):
        style = styles[arm]
        panel.errorbar(
            x + width * (2 * place - len(means) + 1), mean, yerr=[[mean - low], [high - mean]], color="black", linewidth=1.8,
            marker=style.marker, markersize=10, markerfacecolor=style.colour, capsize=4, zorder=4,
        )  # fmt: skip


def _scatter_alt(
    data: CitedResults, outcome: Outcome, arms: dict[str, Drawn], means: list[AdjustedMean]
) -> str:
    above = ", ".join(
        f"{int((arm.after > arm.before).sum())} of {len(arm.before)} above the line of no change in {arm.label}"
        for arm in arms.values()
    )
    adjusted = "; ".join(
        f"{data.arm_label(arm)} {number(mean, outcome.digits)} ({name} {interval(low, high, outcome.digits)})"
        for arm, mean, low, high, name in means
    )
    words = f" Baseline-adjusted means: {adjusted}." if adjusted else ""
    return f"{outcome.label} at follow-up against baseline, one point a participant: {above}.{words}{note_simulated(data.study)}"
