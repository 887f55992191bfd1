"""Figure of the standard sensitivity set: every variation of a main comparison on one axis, the main estimate marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurotrial.method_names import scale_of
from neurotrial.reports.cited import derived
from neurotrial.reports.effects import method_label
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
from neurotrial.reports.number_format import interval, is_missing, number
from neurotrial.reports.participants_drawn import axis_label
from neurotrial.reports.sensitivity_blocks import GROUPS, Block

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurotrial.reports.cited import CitedResults, CitedRow

__all__ = ["changes_figure"]

_LABEL = 2.9
"""Width of row labels in inches."""
_SIZE = 7.5
_MARKS: dict[str, tuple[str, dict[str, Any]]] = {
    "main": ("main analysis", {"color": "black", "marker": "P", "markersize": 8}),
    "same": ("same conclusion", {"color": "#0072B2", "marker": "o", "markersize": 4.5}),
    "significance": (
        "significance changes",
        {"color": "#D55E00", "marker": "D", "markersize": 5, "markerfacecolor": "white"},
    ),
    "direction": (
        "direction changes",
        {"color": "#CC79A7", "marker": "^", "markersize": 6, "markerfacecolor": "white"},
    ),
    "not_estimable": ("not comparable", {"color": "0.5", "marker": "x", "markersize": 5}),
}


@in_house_style
def changes_figure(data: CitedResults, block: Block) -> Plot | None:
    """Draw the main comparison and every variation in its unit.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.
    block : Block
        A main comparison with its variations.

    Returns
    -------
    Plot or None
        None where the main comparison has no estimate.
    """
    shown = block.drawn
    if not shown or shown[0] is not block.main:
        return None
    order = list(GROUPS)
    shown.sort(key=lambda row: order.index(row.values["group"]))
    labels = [fitted(_label(row), _LABEL * 1.15) for row in shown]
    heights = [1.0 + 0.75 * label.count("\n") for label in labels]
    axis = fitted(f"{block.comparison}, {axis_label(block.outcome)}", 3.2)
    figure = new_figure(min(9.2, 1.6 + LINE * (line_count(axis) + 1.05 * sum(heights))))
    axes = figure.subplots()
    _draw(axes, shown, labels, heights)
    axes.set_xlabel(axis)
    _legend(figure, shown)
    mark_simulated(figure, data.study)
    level = f"{100 * data.study.conf_level:.4g} %"
    caption = (
        f"{escape(f'{block.analysis.label}, {block.outcome.label}')}: estimates with {level} intervals (priors: credible intervals) "
        "of the main analysis, whose estimate is the dashed line and whose interval is the band, and of every variation in its unit."
    )
    return Plot(f"what-would-change-{block.name}", figure, Markdown(caption), _alt(data, block, shown))


def _label(row: CitedRow) -> str:
    if row.values["group"] == "main":
        return f"main analysis: {method_label(row.values['method'])}"
    return str(row.values["description"])


def _kind(row: CitedRow) -> str:
    return "main" if row.values["group"] == "main" else str(row.values["conclusion"])


def _draw(axes: Axes, shown: list[CitedRow], labels: list[str], heights: list[float]) -> None:
    main = shown[0]
    if not is_missing(main["conf_low"]):
        axes.axvspan(main["conf_low"], main["conf_high"], color="0.92", zorder=0)
    axes.axvline(main["estimate"], color="0.3", linewidth=1.0, linestyle="--", zorder=1)
    axes.axvline(scale_of(main.values["method"]).null, color="black", linewidth=0.8, zorder=1)
    places: list[float] = []
    end = 0.0
    for number_of, (row, height) in enumerate(zip(shown, heights, strict=True)):
        if number_of and row.values["group"] != shown[number_of - 1].values["group"]:
            axes.axhline(end, color="0.85", linewidth=0.7, zorder=0)
        places.append(end + height / 2)
        end += height
    for row, y in zip(shown, places, strict=True):
        style = _MARKS[_kind(row)][1]
        if not is_missing(row["conf_low"]):
            axes.plot([row["conf_low"], row["conf_high"]], [y, y], color=style["color"], linewidth=1.3)
        axes.plot(row["estimate"], y, linestyle="", **style)
    axes.set_yticks(places, labels, fontsize=_SIZE)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(end, 0)


def _legend(figure: Figure, shown: list[CitedRow]) -> None:
    from matplotlib.lines import Line2D

    kinds = {_kind(row) for row in shown}
    handles = [
        Line2D([], [], linestyle="-", linewidth=1.3, label=label, **style)
        for kind, (label, style) in _MARKS.items()
        if kind in kinds
    ]
    figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=2)


def _alt(data: CitedResults, block: Block, shown: list[CitedRow]) -> str:
    digits, main = block.outcome.digits, block.main.values
    rest = [row.values for row in shown[1:]]
    turned = [row["description"] for row in rest if row["conclusion"] in ("significance", "direction")]
    spread = [row["estimate"] for row in rest if not is_missing(row["estimate"])]
    over = (
        f", {derived('number of variations', len(rest))} variations from {interval(min(spread), max(spread), digits)}"
        if spread
        else ""
    )
    words = (
        f"; the conclusion changes with: {'; '.join(turned)}" if turned else "; the conclusion never changes"
    )
    return (
        f"{block.outcome.label}, {block.comparison}: main estimate {number(main['estimate'], digits)} "
        f"({interval(main['conf_low'], main['conf_high'], digits)}){over}{words}.{note_simulated(data.study)}"
    )
