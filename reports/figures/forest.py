"""Forest plot: the main contrasts of every outcome on one axis, in baseline SDs, oriented by direction; both schools."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from neurotrial.reports.cited import derived
from neurotrial.reports.effect_cells import effect_cell, not_drawn
from neurotrial.reports.effects import is_adjusted, is_bayesian, method_label
from neurotrial.reports.figures.style import (
    LINE,
    arm_styles,
    fitted,
    in_house_style,
    line_count,
    mark_simulated,
    new_figure,
    note_simulated,
)
from neurotrial.reports.floats import Plot
from neurotrial.reports.markdown_text import Markdown, escape, listing
from neurotrial.reports.number_format import interval, is_missing, number, probability
from neurotrial.reports.posteriors import bayes_kinds, posteriors_of, prior_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.effects import Effect
    from neurotrial.reports.figures.style import ArmStyle
    from neurotrial.study import Analysis

__all__ = ["Standardised", "forest_figure", "pooled_sd", "standardised_effects"]

_APART = 0.17
_POSTERIOR: dict[str, Any] = {
    "marker": "D",
    "markersize": 6.0,
    "markerfacecolor": "white",
    "markeredgewidth": 1.4,
}
_LABEL, _SIDE, _WORDS = 2.3, 1.75, 1.8
"""Widths of row labels, of the words on each side of 0, and of the column of numbers, in inches."""


@dataclass(frozen=True, slots=True)
class Standardised:
    """An effect in baseline SDs, oriented so that positive favours the arm that is compared with the reference.

    Attributes
    ----------
    effect : Effect
        The estimate in its own unit.
    analysis : str
        Label of the analysis.
    sd : float
        Pooled baseline SD, in the unit of the outcome.
    estimate, low, high : float
        In SDs; ``low`` < ``high``.
    posterior : Standardised or None
        The posterior of the same effect under the neutral prior.
    lost : Effect or None
        That posterior where it has no interval, for the words that say so.
    """

    effect: Effect
    analysis: str
    sd: float
    estimate: float
    low: float
    high: float
    posterior: Standardised | None = None
    lost: Effect | None = None

    @property
    def drawn(self) -> tuple[Standardised, ...]:
        """What stands in its row: the estimate, and the posterior where there is one."""
        return (self,) if self.posterior is None else (self, self.posterior)


def pooled_sd(counts: list[int], sds: list[float]) -> float:
    """Return the SD pooled over arms with n - 1 weights; NaN if no arm has an SD.

    Examples
    --------
    >>> pooled_sd([3, 5], [2.0, 4.0])
    3.4641016151377544
    """
    pairs = [(n, sd) for n, sd in zip(counts, sds, strict=True) if n > 1 and not math.isnan(sd)]
    freedom = sum(n - 1 for n, _ in pairs)
    return math.sqrt(sum((n - 1) * sd**2 for n, sd in pairs) / freedom) if freedom else math.nan


def standardised_effects(data: CitedResults) -> Iterator[Standardised]:
    """Yield the main contrasts of all analyses that have an interval, in their own unit and a baseline SD above 0.

    Ratios have no baseline SD in their own unit and are left to the tables; so are sensitivity analyses.
    """
    for analysis in data.study.analyses:
        if analysis.role == "sensitivity":
            continue
        for outcome in data.outcomes_of(analysis):
            sd = _baseline_sd(data, analysis, outcome.name)
            for effect in data.effects(analysis.name, outcome.name, analysis.main_method):
                if effect.has_interval and effect.unit == outcome.unit and sd > 0:
                    yield _with_posterior(data, analysis, _standardised(effect, analysis.label, sd))


def _with_posterior(data: CitedResults, analysis: Analysis, main: Standardised) -> Standardised:
    """Add the posterior of the model that corresponds to the main estimator, or of the only one that there is."""
    kinds = bayes_kinds(analysis)
    if not kinds or is_bayesian(main.effect.method):
        return main
    alike = [kind for kind in kinds if is_adjusted(kind) == is_adjusted(main.effect.method)]
    by_prior = posteriors_of(data, analysis, main.effect.outcome, (alike or kinds)[0])
    twin = next((effect for effect in by_prior["neutral"] if effect.contrast == main.effect.contrast), None)
    if twin is None or not twin.has_interval:
        return replace(main, lost=twin)
    return replace(main, posterior=_standardised(twin, main.analysis, main.sd))


def _baseline_sd(data: CitedResults, analysis: Analysis, outcome: str) -> float:
    rows = [
        row
        for row in data.described("outcome", analysis, outcome, data.study.baseline_visit.name)
        if row is not None
    ]
    sds = [math.nan if is_missing(row["sd"]) else float(row["sd"]) for row in rows]
    return pooled_sd([int(row["n"]) for row in rows], sds)


def _standardised(effect: Effect, analysis: str, sd: float) -> Standardised:
    sign = 1 if effect.outcome.direction == "higher_is_better" else -1
    ends = [sign * value / sd for value in (effect.estimate, effect.low, effect.high) if value is not None]
    for value in ends:
        derived(f"{effect.key} in baseline SDs", value)
    return Standardised(effect, analysis, sd, ends[0], min(ends[1:]), max(ends[1:]))


@in_house_style
def forest_figure(data: CitedResults) -> Plot | None:
    """Draw the main contrast of every outcome with its interval.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Plot or None
        None if no contrast has an interval in the unit of its outcome.
    """
    shown = list(standardised_effects(data))
    if not shown:
        return None
    labels = [_row_label(item, several=len(data.comparisons) > 1) for item in shown]
    numbers = [_numbers(item) for item in shown]
    other = data.arm_label(data.comparisons[0]) if len(data.comparisons) == 1 else "the arm named first"
    sides = [
        fitted(f"← favours {data.study.reference_arm.label}", _SIDE),
        fitted(f"favours {other} →", _SIDE),
    ]
    figure = new_figure(
        1.2 + LINE * (line_count(*sides) + (line_count(*labels, *numbers) + 1.1) * len(shown))
    )
    panel, words = figure.subplots(1, 2, width_ratios=(2, 1), sharey=True)
    _draw_rows(panel, shown, labels, data)
    _write_rows(words, numbers)
    _write_sides(panel, *sides)
    panel.set_xlabel(fitted("Difference in baseline SDs", 2 * _SIDE))
    _write_legend(figure, shown)
    mark_simulated(figure, data.study)
    caption = (
        f"Differences between arms by outcome, each divided by its pooled baseline SD (taken as fixed) and oriented by the "
        f"outcome's declared direction: right of 0 favours {escape(other)}. Lines: {escape(_kinds(one.effect for item in shown for one in item.drawn))}.{_school_words(shown)}{_lost_words(shown)} At the right: the "
        "difference in the unit of the outcome, not oriented. SD, standard deviation; CI, confidence interval."
    )
    return Plot("forest", figure, Markdown(caption), _alt(data, shown))


def _write_sides(panel: Axes, left: str, right: str) -> None:
    """Write above the rows which arm each side of 0 favours."""
    for label, place, side in ((left, 0.49, "right"), (right, 0.51, "left")):
        panel.text(place, 1.0, label, transform=panel.transAxes, ha=side, va="bottom", fontsize=8.5)


def _kinds(effects: Iterable[Effect]) -> str:
    return "; ".join(dict.fromkeys(effect.interval_name for effect in effects))


def _row_label(item: Standardised, *, several: bool) -> str:
    outcome = item.effect.outcome
    direction = " (lower is better)" if outcome.direction == "lower_is_better" else ""
    comparison = f": {item.effect.comparison}" if several else ""
    unit = f", {outcome.unit}" if item.posterior is not None else ""
    return fitted(f"{outcome.label}{unit}{direction}{comparison}", _LABEL)


def _numbers(item: Standardised) -> str:
    """Return the numbers of a row; with a posterior the unit stands in the row's label, so that each takes a line."""
    effect = item.effect
    if item.posterior is None:
        limits = f"({interval(effect.low, effect.high, effect.digits)})"
        chance = [f"P(benefit) {probability(effect.benefit)}"] if effect.benefit is not None else []
        return "\n".join(fitted(line, _WORDS) for line in (effect.amount, limits, *chance))
    lines = [effect_cell(one.effect) for one in item.drawn]
    return "\n".join([*lines, f"P(benefit) {probability(item.posterior.effect.benefit)}"])


def _draw_rows(panel: Axes, shown: list[Standardised], labels: list[str], data: CitedResults) -> None:
    styles = arm_styles(data.study)
    panel.axvline(0, color="0.5", linewidth=1)
    for y, item in enumerate(shown):
        places = (y,) if item.posterior is None else (y - _APART, y + _APART)
        for one, place in zip(item.drawn, places, strict=True):
            _draw_one(panel, one, place, styles[item.effect.arm])
    panel.set_yticks(range(len(shown)), labels)
    panel.set_ylim(len(shown) - 0.4, -0.6)
    reach = 1.08 * max(max(abs(one.low), abs(one.high)) for item in shown for one in item.drawn)
    panel.set_xlim(-reach, reach)


def _draw_one(panel: Axes, one: Standardised, y: float, style: ArmStyle) -> None:
    panel.plot([one.low, one.high], [y, y], color=style.colour, linewidth=1.8)
    how = _POSTERIOR if is_bayesian(one.effect.method) else {"marker": style.marker, "markersize": 6.5}
    panel.plot(one.estimate, y, color=style.colour, **how)


def _write_legend(figure: Figure, shown: list[Standardised]) -> None:
    """Write below the figure which mark is which school, where there are both."""
    from matplotlib.lines import Line2D

    drawn = [one.effect for item in shown for one in item.drawn]
    posteriors = [effect for effect in drawn if is_bayesian(effect.method)]
    others = [effect for effect in drawn if not is_bayesian(effect.method)]
    if not posteriors or not others:
        return
    priors = listing(dict.fromkeys(prior_of(effect.method) for effect in posteriors))
    names = [_kinds(others), f"{_kinds(posteriors)}, {priors} prior"]
    marks: list[dict[str, Any]] = [{"marker": "o", "markersize": 6.5}, _POSTERIOR]
    handles = [
        Line2D([], [], color="0.25", linewidth=1.8, label=name, **mark)
        for name, mark in zip(names, marks, strict=True)
    ]
    figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=1)


def _write_rows(words: Axes, numbers: list[str]) -> None:
    words.set_axis_off()
    words.set_xlim(0, 1)
    for y, text in enumerate(numbers):
        words.text(0, y, text, va="center", fontsize=8.5)


def _school_words(shown: list[Standardised]) -> str:
    drawn = (one.effect.method for item in shown for one in item.drawn)
    methods = dict.fromkeys(method_label(method) for method in drawn if is_bayesian(method))
    return f" Open diamonds: posterior means ({escape('; '.join(methods))})." if methods else ""


def _lost_words(shown: list[Standardised]) -> str:
    return not_drawn(item.lost for item in shown if item.lost is not None)


def _alt(data: CitedResults, shown: list[Standardised]) -> str:
    rows = "; ".join(
        f"{item.effect.outcome.label}, {item.effect.comparison}: {', posterior '.join(map(_alt_words, item.drawn))}"
        for item in shown
    )
    return f"Forest plot of differences in baseline SDs, positive where they favour the arm named first. {rows}.{note_simulated(data.study)}"


def _alt_words(one: Standardised) -> str:
    chance = (
        f", probability of benefit {probability(one.effect.benefit)}"
        if one.effect.benefit is not None
        else ""
    )
    return f"{number(one.estimate, 2)} SD ({one.effect.interval_name} {number(one.low, 2)} to {number(one.high, 2)}{chance})"
