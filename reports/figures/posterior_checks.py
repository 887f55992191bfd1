"""Figures of what a Bayesian fit predicts: replicates beside those observed, and participants left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurotrial.errors import refuse
from neurotrial.reports.figures.arviz_panels import arviz_figure, label_bottom, legend_of, tree_of
from neurotrial.reports.figures.style import (
    WIDTH,
    arm_legend,
    fitted,
    in_house_style,
    named_styles,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurotrial.models.bayes.model import FloatArray, Observed
    from neurotrial.models.bayes.result import BayesianFit
    from neurotrial.models.bayes_evidence.loo_pit import LooPit
    from neurotrial.reports.figures.style import ArmStyle

__all__ = ["plot_loo_pit", "plot_predictive"]

_ROW = 1.9
"""Height of a row of panels, in inches."""


@in_house_style
def plot_predictive(
    fit: BayesianFit, *, prior: str | None = None, n_replicates: int = 50, label: str = "", seed: int = 0
) -> Figure:
    """Draw what was observed beside posterior predictive replicates, by `arviz_plots.plot_ppc_dist`.

    Parameters
    ----------
    fit : BayesianFit
        A fitted model.
    prior : str, optional
        Name of the prior; the main one by default.
    n_replicates : int
        Replicates that are drawn, at least 1.
    label : str
        Of the outcome with its unit; of a model of several outcomes the panels name theirs.
    seed : int
        Root of the random stream of the replicates.

    Returns
    -------
    Figure
        Distribution functions: a row for each visit or outcome, a column for each arm.

    Raises
    ------
    InputError
        If there is no such prior.
    """
    import arviz_plots

    own = fit.main if prior is None else fit.fits.get(prior)
    if own is None:
        raise refuse("prior", f"{prior!r} was not fitted", f"use one of: {', '.join(fit.fits)}")
    observed = own.model.observed
    arms = list(dict.fromkeys(observed.arms))
    flat = own.posterior.draws.flat
    few = np.linspace(0, len(next(iter(flat.values()))) - 1, n_replicates).astype(int)
    replicates = own.model.replicate(
        {name: draws[few] for name, draws in flat.items()}, np.random.default_rng(seed)
    )
    panels = _panels(observed, replicates, arms)
    figure, axes = arviz_figure(
        arviz_plots.plot_ppc_dist,
        0.9 + _ROW * len(observed.columns),
        dt=tree_of(
            {
                "posterior_predictive": {name: pair[1][None] for name, pair in panels.items()},
                "observed_data": {name: pair[0] for name, pair in panels.items()},
            }
        ),
        kind="ecdf",
        num_samples=n_replicates,
        col_wrap=len(arms),
        visuals={"remove_axis": False},
    )
    styles = named_styles(arms)
    for panel, (name, pair) in zip(axes, panels.items(), strict=False):
        arm = arms[axes.index(panel) % len(arms)]
        _dress(panel, fitted(f"{name} (n = {len(pair[0])})", WIDTH / len(arms) - 0.4), styles[arm])
    _share(axes, len(arms))
    label_bottom(axes, len(arms), label or "Value, in the unit of the outcome")
    figure.supylabel("Share of participants at or below", fontsize=9)
    legend_of(
        figure,
        {"observed": ("#000000", "-")} | {f"replicates, {arm}": (styles[arm].colour, "-") for arm in arms},
    )
    return figure


def _panels(
    observed: Observed, replicates: FloatArray, arms: list[str]
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return those observed, shape (n,), and their replicates, shape (draws, n), by visit or outcome and arm."""
    panels = {}
    for place, column in enumerate(observed.columns):
        values = observed.values[:, place]
        for arm in arms:
            seen = np.isfinite(values) & (np.array(observed.arms) == arm)
            panels[f"{column}, {arm}"] = (values[seen], replicates[:, seen, place])
    return panels


def _dress(panel: Axes, title: str, style: ArmStyle) -> None:
    *replicates, observed = panel.lines
    for line in replicates:
        line.set(color=style.colour, alpha=0.25, linewidth=0.8)
    observed.set(color="#000000", linewidth=1.8)
    panel.set_title(title, fontsize=9)
    panel.set_ylim(0, 1)


def _share(axes: list[Axes], columns: int) -> None:
    """Give the arms of a visit or an outcome the same limits."""
    for first in range(0, len(axes), columns):
        row = axes[first : first + columns]
        limits = [panel.get_xlim() for panel in row]
        for panel in row:
            panel.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))


@in_house_style
def plot_loo_pit(fit: BayesianFit, *, prior: str | None = None) -> Figure:
    """Draw where each participant lies in what the others predict, with the band of a uniform distribution.

    The numbers are those of the evidence of the fit, in which participants with unreliable weights are left out by a
    fit of their own: `arviz_plots.plot_loo_pit` knows none of these, so that matplotlib draws.

    Parameters
    ----------
    fit : BayesianFit
        A fitted model; its evidence is gathered where it is not there yet.
    prior : str, optional
        Name of the prior; the main one by default.

    Returns
    -------
    Figure
        A panel for each visit or outcome, points by arm: ordered values less those expected. The band holds all of them
        with probability 0.95.

    Raises
    ------
    InputError
        If there is no such prior.
    """
    own = fit.main if prior is None else fit.fits.get(prior)
    if own is None:
        raise refuse("prior", f"{prior!r} was not fitted", f"use one of: {', '.join(fit.fits)}")
    return draw_loo_pit(own.evidence.pit, own.model.observed.arms)


def draw_loo_pit(pit: LooPit, of: tuple[str, ...]) -> Figure:
    """Draw probability integral transforms; ``of`` has the arm of each participant, length n."""
    arms = list(dict.fromkeys(of))
    styles, columns = named_styles(arms), min(3, len(pit.columns))
    rows = -(-len(pit.columns) // columns)
    figure = new_figure(0.9 + _ROW * rows)
    panels = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel())
    for place, panel in enumerate(panels):
        if place >= len(pit.columns):
            panel.set_axis_off()
            continue
        _draw_pit(panel, pit, place, np.array(of), styles)
        title = f"{pit.columns[place]} (p = {pit.p_value[place]:.2g})"
        panel.set_title(fitted(title, WIDTH / columns - 0.4), fontsize=9)
    label_bottom(panels[: len(pit.columns)], columns, "Expected value of the ordered LOO-PIT")
    figure.supylabel("LOO-PIT less expected", fontsize=9)
    arm_legend(figure, {arm: arm for arm in arms}, styles)
    return figure


def _draw_pit(panel: Axes, pit: LooPit, column: int, arms: np.ndarray, styles: dict[str, ArmStyle]) -> None:
    shown = pit.ordered(column)
    values = pit.values[:, column]
    seen = ~np.isnan(values)
    own = arms[seen][np.argsort(values[seen], kind="stable")]
    expected = shown["expected"].to_numpy()
    panel.fill_between(
        expected, shown["lower"] - expected, shown["upper"] - expected, color="0.9", linewidth=0
    )
    panel.axhline(0, color="0.5", linewidth=0.8)
    for arm, style in styles.items():
        of = own == arm
        panel.plot(
            expected[of],
            (shown["value"].to_numpy() - expected)[of],
            style.marker,
            color=style.colour,
            markersize=4,
        )
