"""Figures of the subgroup analyses of a study: forests by level, and effects along a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurotrial.reports.figures.moderated import draw_modified, forest_lines, new_forest
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
from neurotrial.reports.moderated_rows import moderator_unit, where_words
from neurotrial.reports.number_format import interval, number, p_value, plain
from neurotrial.reports.participants_drawn import axis_label, interval_name, moderator_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neurotrial.reports.cited import CitedResults, CitedRow
    from neurotrial.reports.moderated_rows import Moderated

__all__ = ["modification_figure", "subgroup_forest"]


@in_house_style
def subgroup_forest(data: CitedResults, group: Sequence[Moderated], number_of: int) -> Plot:
    """Draw effects by level of categories that share outcome, population and arms, with the interaction p of each.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    group : sequence of Moderated
        As from `neurotrial.reports.moderated_rows.forests`.
    number_of : int
        Number of the forest, for its name.
    """
    first = group[0]
    outcome = data.study.outcome(first.plan.outcome)
    labels = tuple(data.arm_label(name) for name in first.arms)
    parts = {_heading(one, group): [_read(row) for row in one.rows] for one in group}
    lines = forest_lines(parts, first.arms[::-1], outcome.digits)
    better = labels if outcome.direction == "lower_is_better" else labels[::-1]
    sides = f"← favours {better[0]}", f"favours {better[1]} →"
    figure = new_forest(
        lines, sides, f"{' minus '.join(labels)}, {axis_label(outcome)}", ("n", "Difference (interval)")
    )
    mark_simulated(figure, data.study)
    level = interval_name(data.study.conf_level)
    caption = (
        f"{where_words(data, first.plan)}: {' minus '.join(labels)} by subgroup, each category in one model with its interaction. "
        f"n: {' / '.join(labels[::-1])}. Lines: {level}; dotted: overall effect. Only the interaction is tested."
    )
    rows = "; ".join(_in_words(one, outcome.digits, level) for one in group)
    alt = f"Forest plot of {' minus '.join(labels)} in {outcome.label}. {rows}.{note_simulated(data.study)}"
    return Plot(f"subgroups-{number_of}", figure, Markdown(escape(caption)), alt)


def _heading(one: Moderated, group: Sequence[Moderated]) -> str:
    """Return the label of an analysis, with its name where another has the same label."""
    same = [other for other in group if other.plan.label == one.plan.label]
    return one.plan.label if len(same) == 1 else f"{one.plan.label} ({one.plan.name})"


def _read(row: CitedRow) -> dict[str, object]:
    """Return a row, with what a figure prints of it on record."""
    shown = (
        ("p_value",)
        if row.values["method"] == "interaction"
        else ("estimate", "conf_low", "conf_high", "n_per_arm")
    )
    return {**row.values, **{name: row[name] for name in shown}}


def _in_words(one: Moderated, digits: int, level: str) -> str:
    levels = ", ".join(
        f"{row.values['level']} {_effect_words(row, digits, level)}" for row in one.of("subgroup_effect")
    )
    return f"{one.plan.label} ({_test_words(one)}): {levels}"


def _test_words(one: Moderated) -> str:
    row = one.of("interaction")[0]
    return (
        "no interaction test"
        if row.values["status"] == "failed"
        else p_value(row["p_value"], "interaction p")
    )


def _effect_words(row: CitedRow, digits: int, level: str) -> str:
    if row.values["status"] == "failed":
        return "not estimated"
    return (
        f"{number(row['estimate'], digits)} ({level} {interval(row['conf_low'], row['conf_high'], digits)})"
    )


@in_house_style
def modification_figure(data: CitedResults, one: Moderated) -> Plot | None:
    """Draw an effect along a number, with band and participants; None if it could not be estimated."""
    rows = [row.values for row in one.rows]
    if not any(row["method"] == "effect_curve" and row["status"] == "ok" for row in rows):
        return None
    plan, outcome = one.plan, data.study.outcome(one.plan.outcome)
    contrast = " minus ".join(data.arm_label(name) for name in one.arms)
    own = moderator_values(data, plan, one.arms)
    counts = {arm.name: int((own["arm"] == arm.name).sum()) for arm in data.study.arms}
    legend = {
        arm.name: fitted(f"{arm.label} (n = {counts[arm.name]})", 5.5)
        for arm in data.study.arms
        if counts[arm.name]
    }
    unit = moderator_unit(data, plan)
    below = fitted(f"{plan.label}{f', {unit}' if unit else ''}", 5.0)
    figure = new_figure(4.0 + LINE * (line_count(below) + sum(map(line_count, legend.values()))))
    panel, strip = figure.subplots(2, 1, height_ratios=(5, 1), sharex=True)
    draw_modified(panel, strip, rows, own, arm_styles(data.study))
    panel.set_ylabel(fitted(f"{contrast}, {axis_label(outcome)}", 3.2))
    strip.set_xlabel(below)
    arm_legend(figure, legend, arm_styles(data.study))
    mark_simulated(figure, data.study)
    level = interval_name(data.study.conf_level)
    form = "straight line" if plan.spline_df is None else "natural cubic spline"
    caption = (
        f"{where_words(data, plan)}: {contrast} by {plan.label} ({form}; {_test_words(one)}). Band: pointwise {level}; dotted: "
        "overall effect; squares: values in the table. Below: the participants."
    )
    points = ", ".join(
        f"at {plain(row.values['value'])} {_effect_words(row, outcome.digits, level)}"
        for row in one.of("effect_at")
    )
    alt = f"{contrast} in {outcome.label} along {plan.label}: {points}; {_test_words(one)}.{note_simulated(data.study)}"
    name = f"modified-{plan.name}-{one.arms[0]}".replace("_", "-")
    return Plot(name, figure, Markdown(escape(caption)), alt)
