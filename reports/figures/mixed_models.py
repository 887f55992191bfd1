"""Figures of a fitted mixed model: means with the patients behind them, contrasts, and the fitted covariance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.reports.figures.style import (
    LINE,
    arm_legend,
    in_house_style,
    named_styles,
    new_figure,
    spread,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurotrial.models.repeated_measures.result import Mmrm
    from neurotrial.reports.figures.style import ArmStyle

__all__ = ["plot_contrasts", "plot_covariance", "plot_means"]

_PATIENTS: dict[str, Any] = {"linewidth": 0.6, "alpha": 0.25, "zorder": 1}
_CELL = 0.62
_DARK = 0.6


@in_house_style
def plot_means(
    fit: Mmrm, arm: str | None = None, *, conf_level: float = 0.95, patients: bool = True, label: str = ""
) -> Figure:
    """Draw least-squares means over the visits with their intervals, and the patients behind them.

    Parameters
    ----------
    fit : Mmrm
        A fitted model.
    arm : str, optional
        The factor with the arms; not needed where the model knows it.
    conf_level : float
        In (0, 1).
    patients : bool
        Whether each participant is a thin line.
    label : str
        Of the outcome with its unit; the name of the column by default.

    Returns
    -------
    Figure
        matplotlib's; ``savefig`` writes it.
    """
    rows = fit.effects(arm, conf_level).query("term == 'lsmean'")
    factor, visits = arm or fit.arm, list(fit.long.visits)
    names = [name.removeprefix("mean @ ") for name in dict.fromkeys(rows["contrast"])]
    styles = named_styles(names)
    figure = new_figure(3.6)
    axes = figure.subplots()
    places = dict(zip(names, spread(len(names), 0.06 * (len(names) - 1)), strict=True))
    if patients:
        _draw_patients(axes, fit, factor, visits, styles)
    for name in names:
        own = rows[rows["contrast"] == f"mean @ {name}"].set_index("visit").loc[visits]
        x = np.arange(len(visits)) + places[name]
        errors = [own["estimate"] - own["conf_low"], own["conf_high"] - own["estimate"]]
        style = styles[name]
        axes.errorbar(
            x, own["estimate"], errors, color=style.colour, marker=style.marker, linestyle=style.line,
            linewidth=1.6, capsize=3, zorder=3, markeredgecolor="black", markeredgewidth=0.5,
        )  # fmt: skip
    axes.set_xticks(range(len(visits)), visits)
    axes.set_ylabel(label or fit.roles.outcome)
    arm_legend(figure, {name: f"{name} (mean, {100 * conf_level:g} % CI)" for name in names}, styles)
    return figure


@in_house_style
def plot_contrasts(table: pd.DataFrame, *, label: str = "", title: str = "") -> Figure:
    """Draw the contrasts of a tidy table as a forest.

    Parameters
    ----------
    table : DataFrame
        Rows with estimate, conf_low and conf_high, as from ``fit.effects("arm")``; means are left out.
    label, title : str
        Of the axis, with its unit, and of the figure.

    Returns
    -------
    Figure
        One row for each contrast, in the order of the table.

    Raises
    ------
    InputError
        If no row is a contrast with an interval.
    """
    rows = table[(table["term"] != "lsmean") & table["conf_low"].notna()]
    if rows.empty:
        raise refuse("table", "holds no contrast with an interval", 'give e.g. fit.effects("arm")')
    names = [
        f"{contrast} at {visit}" if term == "arm" and visit else str(contrast)
        for term, contrast, visit in zip(rows["term"], rows["contrast"], rows["visit"], strict=True)
    ]
    figure = new_figure(0.9 + 1.6 * LINE * len(rows))
    axes = figure.subplots()
    y = np.arange(len(rows))[::-1]
    axes.axvline(0, color="0.5", linewidth=0.8)
    errors = [rows["estimate"] - rows["conf_low"], rows["conf_high"] - rows["estimate"]]
    axes.errorbar(rows["estimate"], y, xerr=errors, fmt="s", color="black", markersize=4, linewidth=1.2)
    axes.set_yticks(y, names)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    levels = {f"{100 * level:g}" for level in rows["conf_level"]}
    axes.set_xlabel(f"{label or 'estimate'} ({' and '.join(sorted(levels))} % CI)")
    axes.set_title(title)
    return figure


@in_house_style
def plot_covariance(fit: Mmrm) -> Figure:
    """Draw the fitted correlations of the visits with the standard deviations on the diagonal.

    Parameters
    ----------
    fit : Mmrm
        A fitted model; with a covariance for each arm one panel an arm.

    Returns
    -------
    Figure
        Shades and numbers: correlations below the diagonal, standard deviations on it.
    """
    groups = fit.long.groups or ("",)
    levels = list(fit.long.levels)
    figure = new_figure(1.0 + _CELL * len(levels))
    image: Any = None
    for axes, group in zip(figure.subplots(1, len(groups), squeeze=False)[0], groups, strict=True):
        covariance = fit.covariance_of(group).to_numpy()
        sd = np.sqrt(np.diag(covariance))
        shown = np.where(np.tri(len(levels), k=-1) > 0, covariance / np.outer(sd, sd), np.nan)
        image = axes.imshow(shown, vmin=-1, vmax=1, cmap="RdBu_r")
        for (a, b), value in np.ndenumerate(shown):
            if a >= b:
                text = f"SD\n{sd[a]:.3g}" if a == b else f"{value:.2f}"
                dark = a != b and abs(value) > _DARK
                axes.text(b, a, text, ha="center", va="center", color="white" if dark else "black")
        axes.set_xticks(range(len(levels)), levels)
        axes.set_yticks(range(len(levels)), levels)
        axes.set_title(group)
    figure.colorbar(image, ax=figure.axes, label="correlation", shrink=0.8)
    return figure


def _draw_patients(
    axes: Axes, fit: Mmrm, factor: str, visits: list[str], styles: dict[str, ArmStyle]
) -> None:
    place = {visit: number for number, visit in enumerate(visits)}
    for _, own in fit.long.frame.groupby(fit.roles.subject, sort=False):
        colour = styles[str(own[factor].iloc[0])].colour
        x = own[fit.roles.visit].astype(str).map(place)
        axes.plot(x, own[fit.roles.outcome], color=colour, marker=".", markersize=3, **_PATIENTS)
