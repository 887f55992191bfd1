"""Posteriors as ArviZ draws them, in the house style: forests, densities over their priors, ranks of the chains."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.reports.figures.arviz_panels import arviz_figure, label_bottom, legend_of, stacked, tree
from neurotrial.reports.figures.style import WIDTH, fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from neurotrial.models.bayes.model import FloatArray

__all__ = ["EFFECT_AXIS", "Believed", "draw_forest", "draw_prior_posterior", "draw_ranks"]

EFFECT_AXIS = "Baseline SDs; above 0: benefit"

_PRIOR, _POSTERIOR = "0.6", "#0072B2"
_CHAINS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_LINES = ("-", "--", "-.", ":")
_ROW = 1.75
"""Height of a row of panels, in inches."""

_DENSITY = 2000
"""Draws from which a density is drawn."""

_RANKED = 250
"""Draws of each chain that are ranked."""


def draw_forest(
    values: Mapping[str, FloatArray], level: float, *, marked: str = "", xlabel: str = EFFECT_AXIS
) -> Figure:
    """Draw posteriors as a forest, by `arviz_plots.plot_forest`.

    Parameters
    ----------
    values : mapping of str to ndarray, shape (chains, draws)
        By label, from top to bottom.
    level : float
        Probability of the thin line, in (0, 1); the thick one has 0.5.
    marked : str
        Beginning of the labels of rows that stand out.
    xlabel : str
        Of the axis, with its unit.

    Returns
    -------
    Figure
    """
    import arviz_plots

    labels = {fitted(label, 2.2): label for label in values}
    shown = tree({"posterior": stacked(dict(zip(labels, values.values(), strict=True)), "row")})
    figure, (names, panel) = arviz_figure(
        arviz_plots.plot_forest,
        1.1 + 0.42 * len(values),
        dt=shown,
        combined=True,
        point_estimate="mean",
        ci_kind="eti",
        ci_probs=(0.5, level),
        labels=["row"],
        visuals={"ticklabels": False},
    )
    _mark(panel, list(labels.values()), marked)
    names.set_axis_off()
    panel.axvline(0, color="0.5", linewidth=1, zorder=0)
    panel.set_xlabel(xlabel)
    return figure


def _mark(panel: Axes, labels: list[str], marked: str) -> None:
    """Colour rows: ArviZ draws the first at the top, each at a height of its own."""
    heights = sorted({_height(line) for line in panel.lines}, reverse=True)
    colours = ["#D55E00" if marked and label.startswith(marked) else "#000000" for label in labels]
    chosen = dict(zip(heights, colours, strict=False))
    for line in panel.lines:
        line.set_color(chosen[_height(line)])
    for points in panel.collections:
        offsets = np.asarray(points.get_offsets())
        if len(offsets):
            points.set_edgecolor(chosen.get(round(float(offsets[0][1]), 6), "#000000"))


def _height(line: Line2D) -> float:
    return round(float(np.asarray(line.get_ydata(), dtype="float64").mean()), 6)


@dataclass(frozen=True, slots=True, eq=False)
class Believed:
    """What was believed of a number before the data, and after them.

    Attributes
    ----------
    title : str
        Of its panel; empty for none.
    prior, posterior : ndarray, shape (draws,)
        Draws.
    """

    title: str
    prior: FloatArray
    posterior: FloatArray


def draw_prior_posterior(
    panels: Sequence[Believed], columns: int, *, rows: Sequence[str] = (), xlabel: str = EFFECT_AXIS
) -> Figure:
    """Draw prior and posterior densities, by `arviz_plots.plot_prior_posterior`.

    Parameters
    ----------
    panels : sequence of Believed
        Row by row.
    columns : int
        Panels of a row, at least 1.
    rows : sequence of str
        Labels of the rows; "Density" by default.
    xlabel : str
        Of the axis, with its unit.

    Returns
    -------
    Figure
        All panels have the same limits, within which a wide prior may not end.
    """
    import arviz_plots

    prior, posterior = (
        stacked({str(i): _thinned(draws)[None] for i, draws in enumerate(part)}, "panel")
        for part in ([one.prior for one in panels], [one.posterior for one in panels])
    )
    figure, axes = arviz_figure(
        arviz_plots.plot_prior_posterior,
        1.0 + _ROW * -(-len(panels) // columns),
        dt=tree({"prior": prior, "posterior": posterior}),
        kind="kde",
        col_wrap=columns,
    )
    ends = _shared(panels)
    for panel, one in zip(axes, panels, strict=False):
        panel.set_title(fitted(one.title, WIDTH / columns - 0.3), fontsize=9)
        for line, colour, style in zip(panel.lines, (_PRIOR, _POSTERIOR), ("--", "-"), strict=False):
            line.set(color=colour, linestyle=style, linewidth=1.8)
        panel.axvline(0, color="0.7", linewidth=0.8, zorder=0)
        panel.set_xlim(*ends)
        panel.set_ylim(bottom=0)
    for place, panel in enumerate(axes[: len(panels) : columns]):
        panel.set_ylabel(fitted(rows[place], 1.3) if rows else "Density")
    label_bottom(axes[: len(panels)], columns, xlabel)
    legend_of(figure, {"prior": (_PRIOR, "--"), "posterior": (_POSTERIOR, "-")})
    return figure


def _shared(panels: Sequence[Believed]) -> tuple[float, float]:
    """Return limits that hold every posterior, and priors as far as they are no wider than three of these together."""
    after, before = (
        np.concatenate(part) for part in ([one.posterior for one in panels], [one.prior for one in panels])
    )
    low, high = float(after.min()), float(after.max())
    room = high - low
    return max(float(before.min()), low - room), min(float(before.max()), high + room)


def _thinned(draws: FloatArray) -> FloatArray:
    places = np.linspace(0, len(draws) - 1, min(len(draws), _DENSITY)).astype(int)
    return np.asarray(draws[places])


def draw_ranks(values: Mapping[str, FloatArray]) -> Figure:
    """Draw how the ranks of each chain are distributed, by `arviz_plots.plot_rank`.

    Parameters
    ----------
    values : mapping of str to ndarray, shape (chains, draws)
        By label.

    Returns
    -------
    Figure
        A panel for each number: distribution function of the ranks of a chain less the uniform one, with the band that
        holds all chains at once with the probability that ArviZ sets. At most 250 evenly spaced draws of a chain.

    References
    ----------
    Säilynoja T, Bürkner PC, Vehtari A. Stat Comput 2022;32:32. https://doi.org/10.1007/s11222-022-10090-6
    """
    import arviz_plots

    shown = {label: _spaced(draws) for label, draws in values.items()}
    given: dict[str, Any] = {"dt": tree({"posterior": stacked(shown, "number")})}
    # ArviZ 1 draws a band where it is asked for one only
    if "method" in inspect.signature(arviz_plots.plot_rank).parameters:
        given["method"] = "envelope"
    columns = min(3, len(values))
    figure, axes = arviz_figure(
        arviz_plots.plot_rank,
        0.9 + _ROW * -(-len(values) // columns),
        col_wrap=columns,
        visuals={"remove_axis": False},
        **given,
    )
    chains = len(next(iter(values.values())))
    styles = {f"chain {i + 1}": (_CHAINS[i % len(_CHAINS)], _LINES[i % len(_LINES)]) for i in range(chains)}
    for panel, label in zip(axes, values, strict=False):
        panel.set_title(fitted(label, WIDTH / columns - 0.3), fontsize=9)
        for line, (colour, style) in zip(panel.lines, styles.values(), strict=False):
            line.set(color=colour, linestyle=style, linewidth=1.1)
    label_bottom(axes[: len(values)], columns, "Rank over the number of draws")
    figure.supylabel("Distribution less uniform", fontsize=9)
    legend_of(figure, styles)
    return figure


def _spaced(draws: FloatArray) -> FloatArray:
    """Return evenly spaced draws of each chain: the band takes them as independent, and minutes for thousands."""
    places = np.linspace(0, draws.shape[1] - 1, min(draws.shape[1], _RANKED)).astype(int)
    return np.asarray(draws[:, places])
