"""Figures of sensitivity analyses: tipping points, who is missing, and the influence of single participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.reports.figures.style import LINE, arm_legend, in_house_style, named_styles, new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurotrial.models.influence.leave_out import Influence
    from neurotrial.models.missing_data.tipping import TippingPoint
    from neurotrial.models.missing_data.who_is_missing import Missingness
    from neurotrial.reports.figures.style import ArmStyle

__all__ = [
    "draw_influence",
    "draw_tipping",
    "plot_leave_one_out",
    "plot_missingness",
    "plot_tipping_point",
]

_FEWEST = 2
_MOST_NAMED = 60
_SHADES = ("#FFFFFF", "#0072B2")
_SIDES = ("#D3E6F3", "#F4F4F4")
_LEVELS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5)


@in_house_style
def plot_tipping_point(found: TippingPoint, visit: str | None = None, *, unit: str = "") -> Figure:
    """Draw where the conclusion changes as the imputed values of both arms are shifted.

    Parameters
    ----------
    found : TippingPoint
        As from `neurotrial.models.tipping_point`.
    visit : str, optional
        Visit that is drawn; the last by default.
    unit : str
        Unit of the outcome, for the axes.

    Returns
    -------
    Figure
        Lines of equal p-values over both deltas, that of the level heavy, the significant side shaded blue; with one delta of an arm only, the
        estimate with its interval over the other.

    Raises
    ------
    InputError
        If the visit was not imputed.
    """
    visits = found.imputation.table.visits
    name = visits[-1] if visit is None else visit
    if name not in visits:
        raise refuse("visit", f"{name!r} was not imputed", f"use one of: {', '.join(visits)}")
    grid = found.grid[found.grid["visit"] == name]
    figure = new_figure(4.2)
    axes = figure.subplots()
    axes.set_title(f"{found.compared} - {found.reference}" + (f" at {name}" if len(visits) > 1 else ""))
    draw_tipping(axes, grid, (found.compared, found.reference), found.alpha, unit)
    return figure


def draw_tipping(axes: Axes, grid: pd.DataFrame, arms: tuple[str, str], alpha: float, unit: str) -> None:
    """Draw a grid of deltas: lines of equal p-values, or the estimate over the only deltas that vary.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    grid : DataFrame
        delta, delta_reference, estimate, conf_low, conf_high, p_value.
    arms : tuple of str
        Names of the compared arm and of the reference.
    alpha : float
        Level of the heavy line.
    unit : str
        Unit of the outcome.
    """
    units = f" ({unit})" if unit else ""
    labels = [f"Delta of imputed values in {arm}{units}" for arm in arms]
    axes.set_xlabel(labels[0])
    if min(grid["delta"].nunique(), grid["delta_reference"].nunique()) < _FEWEST:
        _draw_line(axes, grid, labels, f"Difference with its interval{units}")
    else:
        axes.set_ylabel(labels[1])
        _draw_grid(axes, grid, alpha)


def _draw_grid(axes: Axes, grid: pd.DataFrame, alpha: float) -> None:
    table = grid.pivot_table(index="delta_reference", columns="delta", values="p_value")
    x, y, p = table.columns.to_numpy(), table.index.to_numpy(), table.to_numpy()
    axes.contourf(x, y, p, levels=[0.0, alpha, 1.0], colors=list(_SIDES))
    thin = [level for level in _LEVELS if level != alpha and p.min() < level < p.max()]
    if thin:
        axes.clabel(axes.contour(x, y, p, levels=thin, colors="0.4", linewidths=0.6), fmt="%g", fontsize=7)
    if p.min() < alpha < p.max():
        heavy = axes.contour(x, y, p, levels=[alpha], colors="#D55E00", linewidths=2.2)
        axes.clabel(heavy, fmt=f"p = {alpha:g}", fontsize=8)
    axes.plot(0, 0, marker="P", color="black", markersize=9, markeredgecolor="white")
    axes.annotate("as imputed", (0, 0), (7, 7), textcoords="offset points", fontsize=8)


def _draw_line(axes: Axes, grid: pd.DataFrame, labels: Sequence[str], label: str) -> None:
    column = "delta" if grid["delta"].nunique() >= _FEWEST else "delta_reference"
    rows = grid.sort_values(column)
    axes.set_xlabel(labels[column == "delta_reference"])
    axes.fill_between(
        rows[column], rows["conf_low"], rows["conf_high"], alpha=0.25, color="#0072B2", linewidth=0
    )
    axes.plot(rows[column], rows["estimate"], color="#0072B2")
    axes.axhline(0, color="0.4", linewidth=0.8)
    axes.axvline(0, color="0.4", linewidth=0.8, linestyle=":")
    axes.set_ylabel(label)


@in_house_style
def plot_missingness(found: Missingness) -> Figure:
    """Draw who has a value at which visit, arm by arm.

    Parameters
    ----------
    found : Missingness
        As from `neurotrial.models.missingness`.

    Returns
    -------
    Figure
        A row for each participant, those who miss most at the bottom of their arm; a filled cell is an observed value.
    """
    from matplotlib.colors import ListedColormap

    seen = found.observed
    figure = new_figure(0.9 + min(7.0, 0.09 * len(seen) + LINE * len(found.arms)))
    sizes = [int((seen.index.get_level_values("arm") == arm).sum()) for arm in found.arms]
    panels = figure.subplots(len(found.arms), 1, sharex=True, height_ratios=sizes, squeeze=False)[:, 0]
    for axes, arm, size in zip(panels, found.arms, sizes, strict=True):
        own = seen.loc[arm].to_numpy()
        order = np.lexsort((*(~own.T[::-1]), (~own).sum(axis=1)))
        axes.imshow(
            own[order], aspect="auto", cmap=ListedColormap(_SHADES), vmin=0, vmax=1, interpolation="none"
        )
        axes.set_yticks([])
        axes.set_ylabel(f"{arm}\n(n = {size})")
        axes.set_xticks(np.arange(len(found.visits) + 1) - 0.5, minor=True)
        axes.grid(which="minor", axis="x", color="0.5", linewidth=0.8)
        axes.tick_params(which="minor", length=0)
        for at in range(len(found.visits)):
            axes.text(at, -0.6, f"{int(own[:, at].sum())} seen", ha="center", va="bottom", fontsize=8)
    panels[-1].set_xticks(range(len(found.visits)), found.visits)
    return figure


@in_house_style
def plot_leave_one_out(found: Influence, outcome: str | None = None, *, label: str = "") -> Figure:
    """Draw the estimate without each participant, in order of its size.

    Parameters
    ----------
    found : Influence
        As from `neurotrial.models.leave_one_out`.
    outcome : str, optional
        Outcome that is drawn; the first by default.
    label : str
        Of the outcome with its unit; its name by default.

    Returns
    -------
    Figure
        Estimates with intervals without each participant; the band is the estimate with everybody.

    Raises
    ------
    InputError
        If the outcome is not in the analysis.
    """
    outcomes = list(dict.fromkeys(found.whole["outcome"]))
    name = outcomes[0] if outcome is None else outcome
    if name not in outcomes:
        raise refuse("outcome", f"{name!r} was not analysed", f"use one of: {', '.join(outcomes)}")
    whole = found.whole[found.whole["outcome"] == name].iloc[0]
    rows = found.table[(found.table["outcome"] == name) & (found.table["contrast"] == whole["contrast"])]
    rows = rows[rows["estimate"].notna()].sort_values("estimate")
    styles = named_styles(sorted(set(rows["arm"])))
    figure = new_figure(min(9.0, 1.2 + 0.13 * len(rows)))
    axes = figure.subplots()
    draw_influence(axes, rows, whole.to_dict(), styles)
    axes.set_xlabel(f"{whole['contrast']}, {label or name}: without the participant named")
    if set(styles) != {""}:
        arm_legend(figure, {arm: f"left out from {arm}" for arm in styles}, styles)
    return figure


def draw_influence(
    axes: Axes, rows: pd.DataFrame, whole: Mapping[Any, Any], styles: Mapping[str, ArmStyle]
) -> None:
    """Draw estimates without each participant, the estimate with everybody as a band behind them.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    rows : DataFrame
        participant, arm, estimate, conf_low, conf_high, turned; from bottom to top.
    whole : mapping
        estimate, conf_low and conf_high with everybody.
    styles : mapping of str to ArmStyle
        Of the arms.
    """
    y = np.arange(len(rows))
    axes.axvspan(whole["conf_low"], whole["conf_high"], color="0.9", zorder=0)
    axes.axvline(whole["estimate"], color="0.4", linewidth=1.0)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.hlines(y, rows["conf_low"], rows["conf_high"], color="0.6", linewidth=0.8)
    for arm, style in styles.items():
        own = (rows["arm"] == arm).to_numpy()
        axes.plot(
            rows["estimate"].to_numpy()[own],
            y[own],
            linestyle="",
            color=style.colour,
            marker=style.marker,
            markersize=4,
        )
    named = (rows["turned"] if len(rows) > _MOST_NAMED else rows["estimate"].notna()).to_numpy(dtype=bool)
    axes.set_yticks(y[named], rows["participant"].astype("str").to_numpy()[named], fontsize=7)
    axes.set_ylim(-1, len(rows))
