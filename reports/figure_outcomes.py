"""Figures of one outcome in which every participant is visible: paired lines, follow-up against baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.reports.figure_style import arm_styles, in_house_style, mark_simulated, new_figure, note_simulated
from neurotrial.reports.floats import Plot
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import interval, is_missing, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.figure_style import ArmStyle
    from neurotrial.study import Analysis, Outcome

__all__ = ["paired_figure", "scatter_figure"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The participants of one arm that a figure shows.

    Attributes
    ----------
    label : str
        Label of the arm.
    before, after : ndarray, shape (n,)
        Values at baseline and at follow-up, in the unit of the outcome.
    """

    label: str
    before: np.ndarray[Any, np.dtype[np.float64]]
    after: np.ndarray[Any, np.dtype[np.float64]]

    def mean_interval(self, level: float) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return mean, lower and upper t limit at both visits, shape (3, 2); limits are NaN for one participant."""
        from scipy import stats

        values = np.stack([self.before, self.after])
        n = values.shape[1]
        mean = values.mean(axis=1)
        half = np.full(2, np.nan)
        if n > 1:
            half = stats.t.ppf((1 + level) / 2, n - 1) * values.std(axis=1, ddof=1) / np.sqrt(n)
        return np.stack([mean, mean - half, mean + half])


def drawn_arms(data: CitedResults, analysis: Analysis, outcome: Outcome) -> dict[str, Drawn]:
    """Return, by arm, the participants with both visits; arms without any are left out."""
    rows = _members(data, analysis, outcome)
    arms = {}
    for arm in data.study.arms:
        own = rows[rows["arm"] == arm.name]
        if len(own):
            arms[arm.name] = Drawn(arm.label, own["baseline"].to_numpy("float64"), own["value"].to_numpy("float64"))
    return arms


def _members(data: CitedResults, analysis: Analysis, outcome: Outcome) -> pd.DataFrame:
    """Return follow-up rows with both values; of the population, where the outcomes table holds its flag."""
    table = data.results.tables["outcomes"]
    visit = data.study.estimand_of(analysis).visit
    rows = table[(table["outcome"] == outcome.name) & (table["visit"] == visit)]
    flag = data.study.population_of(analysis).flag
    if flag is not None and flag in rows:
        rows = rows[rows[flag].fillna(value=False).astype(bool)]
    return rows.dropna(subset=["value", "baseline"])


def _who(data: CitedResults, analysis: Analysis, outcome: Outcome, arms: dict[str, Drawn]) -> str:
    """Say how many participants are drawn, and how many of them were analysed if that is not the same."""
    drawn = sum(len(arm.before) for arm in arms.values())
    analysed = data.n_analysed(analysis, outcome.name)
    same = f"{drawn} participants with both visits"
    return same if drawn == analysed else f"{same}, of whom {analysed} are in the analysis"


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
    figure = new_figure(3.6)
    panels = figure.subplots(1, len(arms), sharey=True, squeeze=False)[0]
    for panel, (name, arm) in zip(panels, arms.items(), strict=True):
        _paired_panel(panel, arm, arm_styles(data.study)[name], data.study.conf_level)
        panel.set_title(f"{arm.label} (n = {len(arm.before)})", wrap=True)
        panel.set_xticks([0, 1], [data.study.baseline_visit.label, data.estimand_visit(analysis)[1]])
    panels[0].set_ylabel(_axis(outcome))
    mark_simulated(figure, data.study)
    level = f"{100 * data.study.conf_level:.4g} % CI"
    caption = (
        f"{escape(outcome.label)} of each participant at both visits ({escape(_who(data, analysis, outcome, arms))}). "
        f"Thick line: mean of the arm with {escape(level)} of the mean (t)."
    )
    alt = f"{outcome.label}: one line a participant, one panel an arm. {_means_in_words(data, analysis, outcome, arms)}"
    return Plot(f"paired-{outcome.name}".replace("_", "-"), figure, Markdown(caption), alt + note_simulated(data.study))


def _axis(outcome: Outcome) -> str:
    return f"{outcome.label}, {outcome.unit}"


def _paired_panel(panel: Axes, arm: Drawn, style: ArmStyle, level: float) -> None:
    panel.plot([0, 1], [arm.before, arm.after], color=style.colour, alpha=0.35, linewidth=0.8)
    for x, values in enumerate((arm.before, arm.after)):
        panel.plot(np.full(len(values), x), values, style.marker, color=style.colour, alpha=0.5, markersize=3.5)
    mean, low, high = arm.mean_interval(level)
    panel.errorbar(
        [-0.08, 1.08], mean, yerr=[mean - low, high - mean], color="black", linestyle=style.line, linewidth=2,
        marker=style.marker, markersize=7, capsize=4, markerfacecolor=style.colour, zorder=3,
    )  # fmt: skip
    panel.set_xlim(-0.3, 1.3)


def _means_in_words(data: CitedResults, analysis: Analysis, outcome: Outcome, arms: dict[str, Drawn]) -> str:
    visits = (data.study.baseline_visit.label, data.estimand_visit(analysis)[1])
    return " ".join(f"{arm.label} (n = {len(arm.before)}): {_mean_words(arm, outcome, visits, data.study.conf_level)}."
                    for arm in arms.values())


def _mean_words(arm: Drawn, outcome: Outcome, visits: tuple[str, str], level: float) -> str:
    words = [
        f"mean {number(mean, outcome.digits)} ({100 * level:.4g} % CI {interval(low, high, outcome.digits)}) at {visit}"
        for visit, (mean, low, high) in zip(visits, arm.mean_interval(level).T, strict=True)
    ]
    return ", ".join(words)


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
    figure = new_figure(4.2)
    panel = figure.subplots()
    styles = arm_styles(data.study)
    for name, arm in arms.items():
        style = styles[name]
        panel.plot(arm.before, arm.after, style.marker, color=style.colour, alpha=0.65, markersize=5)
    everyone = np.concatenate([np.stack([arm.before, arm.after]) for arm in arms.values()], axis=1)
    panel.axline((everyone.mean(), everyone.mean()), slope=1, color="0.55", linewidth=1, linestyle=":")
    means = list(_adjusted_means(data, analysis, outcome))
    _draw_adjusted(panel, means, everyone[0].mean(), styles)
    panel.set_xlabel(f"{_axis(outcome)}: {data.study.baseline_visit.label}")
    panel.set_ylabel(f"{_axis(outcome)}: {data.estimand_visit(analysis)[1]}")
    _arm_legend(panel, arms, styles)
    mark_simulated(figure, data.study)
    caption = (
        f"{escape(outcome.label)} at follow-up against baseline ({escape(_who(data, analysis, outcome, arms))}). Dotted line: "
        "no change." + (f" Large markers: baseline-adjusted means with {escape(means[0][4])}." if means else "")
    )
    return Plot(f"scatter-{outcome.name}".replace("_", "-"), figure, Markdown(caption), _scatter_alt(data, outcome, arms, means))


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


def _arm_legend(panel: Axes, arms: dict[str, Drawn], styles: dict[str, ArmStyle]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=styles[name].colour, marker=styles[name].marker, linestyle="") for name in arms]
    legend = panel.legend(handles, list(arms), frameon=False, loc="best")
    # set afterwards: a label that starts with an underscore would be dropped
    for text, arm in zip(legend.get_texts(), arms.values(), strict=True):
        text.set_text(f"{arm.label} (n = {len(arm.before)})")


def _scatter_alt(data: CitedResults, outcome: Outcome, arms: dict[str, Drawn], means: list[AdjustedMean]) -> str:
    above = ", ".join(
        f"{int((arm.after > arm.before).sum())} of {len(arm.before)} above the line of no change in {arm.label}"
        for arm in arms.values()
    )
    adjusted = "; ".join(
        f"{data.arm_label(arm)} {number(mean, outcome.digits)} ({name} {interval(low, high, outcome.digits)})"
        for arm, mean, low, high, name in means
        if not is_missing(mean)
    )
    words = f" Baseline-adjusted means: {adjusted}." if adjusted else ""
    return f"{outcome.label} at follow-up against baseline, one point a participant: {above}.{words}{note_simulated(data.study)}"
