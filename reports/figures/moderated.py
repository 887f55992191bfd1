"""Figures of effects that may differ between participants: a forest by level, and the effect along a number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.reports.figures.style import (
    LINE,
    arm_legend,
    fitted,
    in_house_style,
    line_count,
    named_styles,
    new_figure,
)
from neurotrial.reports.number_format import interval, is_missing, number, p_value

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurotrial.models.subgroups.by_level import SubgroupEffects
    from neurotrial.models.subgroups.by_number import EffectModification
    from neurotrial.reports.figures.style import ArmStyle

__all__ = [
    "ForestLine",
    "draw_modified",
    "forest_lines",
    "new_forest",
    "plot_effect_modification",
    "plot_subgroups",
]

_COLOUR = "#0072B2"
_LETTERS = 11.0
"""Letters in an inch of labels, the bold ones among them."""

_LABEL, _SIDE = 1.9, 1.3
"""Widths of labels, and of the words on each side of 0, in inches."""

_COUNTS, _NUMBERS = 0.16, 0.38
"""Where counts are centred and numbers begin, as shares of their panel."""

_ROOM = 0.75
"""Free height of a line of a forest, in lines of text."""


@dataclass(frozen=True, slots=True)
class ForestLine:
    """A line of a forest plot.

    Attributes
    ----------
    kind : {"overall", "heading", "level"}
        What it is; a heading has words only.
    label : str
        At the left.
    words : str
        At the right.
    counts : str
        Participants, between the drawing and the words.
    estimate, low, high : float
        NaN where nothing is drawn.
    """

    kind: str
    label: str
    words: str
    counts: str = ""
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan


def forest_lines(
    parts: Mapping[str, Sequence[Mapping[str, Any]]], arms: Sequence[str], digits: int
) -> list[ForestLine]:
    """Return the lines of a forest plot: the overall effect, then each part with its heading and levels.

    Parameters
    ----------
    parts : mapping of str to sequence of mapping
        By heading, rows of one contrast as `SubgroupEffects.table` has them.
    arms : sequence of str
        Names of the arms whose participants are counted, in their order.
    digits : int
        Decimals of estimates.
    """
    first = next(iter(parts.values()))
    whole = next(row for row in first if row["method"] == "overall_effect")
    lines = [_effect_line("overall", "Overall", whole, arms, digits)]
    for heading, rows in parts.items():
        test = next(row for row in rows if row["method"] == "interaction")
        said = (
            "no interaction test" if test["status"] == "failed" else p_value(test["p_value"], "interaction p")
        )
        lines.append(ForestLine("heading", heading, said))
        lines += [
            _effect_line("level", str(row["level"]), row, arms, digits)
            for row in rows
            if row["method"] == "subgroup_effect"
        ]
    return lines


def _effect_line(
    kind: str, label: str, row: Mapping[str, Any], arms: Sequence[str], digits: int
) -> ForestLine:
    import json

    counts = json.loads(row["n_per_arm"])
    shown = " / ".join(str(counts.get(name, 0)) for name in arms)
    if row["status"] == "failed":
        return ForestLine(kind, label, "not estimated", shown)
    ends = [float(row[name]) for name in ("estimate", "conf_low", "conf_high")]
    words = f"{number(ends[0], digits)} ({interval(ends[1], ends[2], digits)})"
    return ForestLine(kind, label, words, shown, *ends)


def _fitted(line: ForestLine) -> str:
    indent = "" if line.kind != "level" else "   "
    return "\n".join(f"{indent}{part}" for part in fitted(line.label, _LABEL).split("\n"))


def _heights(lines: Sequence[ForestLine]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the height of each line in lines of text, shape (n_lines,)."""
    return np.array([line_count(_fitted(line)) + _ROOM for line in lines])


def new_forest(
    lines: Sequence[ForestLine], sides: tuple[str, str], label: str, heads: tuple[str, str]
) -> Figure:
    """Return a forest plot.

    Parameters
    ----------
    lines : sequence of ForestLine
        From top to bottom.
    sides : tuple of str
        Words at the left and at the right of 0.
    label : str
        Of the horizontal axis.
    heads : tuple of str
        Above the counts and above the words.
    """
    above, below = [fitted(side, _SIDE) for side in sides], fitted(label, 2 * _SIDE)
    heights = _heights(lines)
    figure = new_figure(0.8 + LINE * (line_count(*above, *heads) + line_count(below) + float(heights.sum())))
    places = np.cumsum(heights) - heights / 2
    panel, words = figure.subplots(1, 2, width_ratios=(1.25, 1), sharey=True)
    panel.axvline(0, color="0.35", linewidth=1)
    if not math.isnan(lines[0].estimate):
        panel.axvline(lines[0].estimate, color=_COLOUR, linewidth=1, linestyle=":")
    for y, line in zip(places, lines, strict=True):
        if not math.isnan(line.estimate):
            _draw_line(panel, y, line)
    panel.set_ylim(float(heights.sum()), 0)
    panel.set_xlabel(below)
    _label_lines(panel, places, lines)
    _reach(panel, lines)
    for side, offset, ha in zip(above, (-4, 4), ("right", "left"), strict=True):
        panel.annotate(
            side,
            (0, 1),
            (offset, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha=ha,
            va="bottom",
            fontsize=8.5,
        )
    _write(words, places, lines, heads)
    return figure


def _draw_line(panel: Axes, y: float, line: ForestLine) -> None:
    marker, size = ("D", 8) if line.kind == "overall" else ("s", 6)
    panel.plot([line.low, line.high], [y, y], color=_COLOUR, linewidth=1.8, solid_capstyle="butt")
    panel.plot(line.estimate, y, color=_COLOUR, marker=marker, markersize=size)


def _label_lines(
    panel: Axes, places: np.ndarray[Any, np.dtype[np.float64]], lines: Sequence[ForestLine]
) -> None:
    labels = [_fitted(line) for line in lines]
    panel.set_yticks(places, labels, ha="left")
    letters = max(len(part) for label in labels for part in label.split("\n"))
    panel.tick_params(axis="y", length=0, pad=72 * letters / _LETTERS)
    for text, line in zip(panel.get_yticklabels(), lines, strict=True):
        text.set_fontweight("normal" if line.kind == "level" else "bold")
    panel.spines["left"].set_visible(False)


def _reach(panel: Axes, lines: Sequence[ForestLine]) -> None:
    ends = [abs(end) for line in lines for end in (line.low, line.high) if not math.isnan(end)]
    reach = 1.08 * max(ends, default=1.0)
    panel.set_xlim(-reach, reach)


def _write(
    words: Axes,
    places: np.ndarray[Any, np.dtype[np.float64]],
    lines: Sequence[ForestLine],
    heads: tuple[str, str],
) -> None:
    words.set_axis_off()
    words.set_xlim(0, 1)
    for x, ha, head in zip((_COUNTS, _NUMBERS), ("center", "left"), heads, strict=True):
        words.text(x, 1.0, head, transform=words.transAxes, ha=ha, va="bottom", fontsize=8.5)
    for y, line in zip(places, lines, strict=True):
        weight = "normal" if line.kind == "level" else "bold"
        words.text(_COUNTS, y, line.counts, va="center", ha="center", fontsize=8.5)
        words.text(_NUMBERS, y, line.words, va="center", fontsize=8.5, fontweight=weight)


@in_house_style
def plot_subgroups(
    *found: SubgroupEffects, contrast: str | None = None, label: str = "", digits: int = 1
) -> Figure:
    """Draw effects by level of one category or more, with the interaction p of each.

    Parameters
    ----------
    *found : SubgroupEffects
        As from `neurotrial.models.effect_by_subgroup`, of one outcome.
    contrast : str, optional
        Arms that are compared, e.g. ``"cells - control"``; the first by default.
    label : str
        Of the outcome with its unit.
    digits : int
        Decimals.

    Returns
    -------
    Figure
        The overall effect (of the first of `found`) on top; dotted line: the same.

    Raises
    ------
    InputError
        If nothing is given, or the arms were not compared.
    """
    if not found:
        raise refuse("found", "no subgroup analysis is given", "give one or more")
    tables = {one.by: one.table for one in found}
    name = contrast or str(next(iter(tables.values()))["contrast"].iloc[0])
    parts = {by: table[table["contrast"] == name].to_dict("records") for by, table in tables.items()}
    lacking = [by for by, rows in parts.items() if not rows]
    if lacking:
        raise refuse(
            "contrast", f"{name!r} was not compared by {', '.join(lacking)}", "name another contrast"
        )
    compared, reference = name.split(" - ", 1)
    lines = forest_lines(
        {by: [_words(row) for row in rows] for by, rows in parts.items()}, (reference, compared), digits
    )
    heads = (f"n\n{fitted(f'{reference} / {compared}', 1.0)}", "difference\n(interval)")
    return new_forest(lines, ("lower", "higher"), f"{name}{f', {label}' if label else ''}", heads)


def _words(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def draw_modified(
    panel: Axes,
    strip: Axes,
    rows: Sequence[Mapping[str, Any]],
    participants: pd.DataFrame,
    styles: Mapping[str, ArmStyle],
) -> None:
    """Draw an effect along a number, and below it where the participants are.

    Parameters
    ----------
    panel, strip : matplotlib.axes.Axes
        Where to draw the effect and the participants; they share the horizontal axis.
    rows : sequence of mapping
        Rows of one contrast as `EffectModification.table` has them.
    participants : DataFrame
        arm and value.
    styles : mapping of str to ArmStyle
        Of the arms.
    """
    curve = [row for row in rows if row["method"] == "effect_curve" and row["status"] == "ok"]
    x, middle, low, high = (
        np.array([float(row[name]) for row in curve])
        for name in ("value", "estimate", "conf_low", "conf_high")
    )
    panel.fill_between(x, low, high, color=_COLOUR, alpha=0.2, linewidth=0)
    panel.plot(x, middle, color=_COLOUR, linewidth=1.8)
    panel.axhline(0, color="0.35", linewidth=1)
    whole = next(row for row in rows if row["method"] == "overall_effect")
    if not is_missing(whole["estimate"]):
        panel.axhline(float(whole["estimate"]), color=_COLOUR, linewidth=1, linestyle=":")
    for row in rows:
        if row["method"] == "effect_at" and row["status"] == "ok":
            panel.plot(float(row["value"]), float(row["estimate"]), color=_COLOUR, marker="s", markersize=6)
    panel.tick_params(labelbottom=False)
    shown = [name for name in styles if (participants["arm"] == name).any()]
    for y, name in enumerate(shown):
        own = participants.loc[participants["arm"] == name, "value"].to_numpy(dtype="float64")
        places = y + _apart(own)
        strip.plot(
            own,
            places,
            styles[name].marker,
            color=styles[name].colour,
            alpha=0.65,
            markersize=4,
            linestyle="",
        )
    strip.set_ylim(len(shown) - 0.4, -0.6)
    strip.set_yticks([])
    strip.spines["left"].set_visible(False)


def _apart(values: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return small offsets that keep participants with the same value apart, shape (n,)."""
    order = np.argsort(values, kind="stable")
    places = np.zeros(len(values))
    places[order] = 0.24 * np.array([(k % 3) - 1 for k in range(len(values))])
    return places


@in_house_style
def plot_effect_modification(
    found: EffectModification, contrast: str | None = None, *, label: str = "", by: str = ""
) -> Figure:
    """Draw an effect along a number with its pointwise interval, and where the participants are.

    Parameters
    ----------
    found : EffectModification
        As from `neurotrial.models.effect_modification`.
    contrast : str, optional
        Arms that are compared; the first by default.
    label, by : str
        Of the outcome and of the number, with their units.

    Returns
    -------
    Figure
        Line and band: the effect; squares: the values that were asked for; dotted: the overall effect.

    Raises
    ------
    InputError
        If the arms were not compared.
    """
    table = found.table
    name = contrast or str(table["contrast"].iloc[0])
    rows = [_words(row) for row in table[table["contrast"] == name].to_dict("records")]
    if not rows:
        raise refuse(
            "contrast", f"{name!r} was not compared", f"use one of: {', '.join(set(table['contrast']))}"
        )
    arms = name.split(" - ", 1)[::-1]
    own = found.participants[found.participants["arm"].isin(arms)]
    figure = new_figure(4.6)
    panel, strip = figure.subplots(2, 1, height_ratios=(5, 1), sharex=True)
    styles = named_styles(arms)
    draw_modified(panel, strip, rows, own, styles)
    panel.set_ylabel(fitted(f"{name}{f', {label}' if label else ''}", 3.0))
    strip.set_xlabel(fitted(by or found.by, 5.5))
    arm_legend(
        figure,
        {arm: f"{arm} (n = {int((own['arm'] == arm).sum())})" for arm in arms if (own["arm"] == arm).any()},
        styles,
    )
    return figure
