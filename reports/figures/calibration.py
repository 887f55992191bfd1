"""Ranks of simulation-based calibration: the distribution function less the uniform one, with its simultaneous band."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurotrial.models.bayes_calibration.ecdf_band import difference, simultaneous_band
from neurotrial.models.bayes_calibration.uniformity import bin_edges
from neurotrial.reports.figures.style import in_house_style, new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["rank_figure"]

_COLUMNS = 3
_HEIGHT = 1.7
"""Of a row of panels, in inches."""

_RANKS = 100
"""Ranks that a true value may have in the stored simulations."""


@in_house_style
def rank_figure(rows: pd.DataFrame) -> Figure:
    """Draw the ranks of every quantity, a panel for each model and generation.

    Parameters
    ----------
    rows : DataFrame
        As `neurotrial.models.bayes_calibration.stored_results.stored_sbc` returns them; at least one.

    Returns
    -------
    Figure
        Lines: quantities, that with the smallest p-value dark; grey: what uniform ranks stay in with probability 95 %.
    """
    groups = list(rows.groupby(["model", "generation"], sort=False))
    height = -(-len(groups) // _COLUMNS)
    figure = new_figure(0.6 + _HEIGHT * height)
    panels = figure.subplots(height, _COLUMNS, sharex=True, sharey=True, squeeze=False)
    for panel in panels.flat[len(groups) :]:
        panel.set_axis_off()
    several = rows.groupby("model", sort=False)["generation"].nunique().max() > 1
    for panel, ((model, generation), own) in zip(panels.flat, groups, strict=False):
        _draw(panel, own)
        panel.set_title(f"{model}\n{str(generation).split(',')[0]}" if several else str(model))
    figure.supxlabel("Share of ranks", fontsize=9)
    figure.supylabel("Distribution function less uniform", fontsize=9)
    return figure


def _draw(panel: Axes, rows: pd.DataFrame) -> None:
    n = int(rows["n_simulations"].iloc[0])
    points = tuple(float(edge) / _RANKS for edge in bin_edges(n, _RANKS - 1)[1:-1])
    panel.axhline(0, color="0.5", linewidth=0.8, zorder=0)
    if not points:
        return
    band = simultaneous_band(n, points)
    panel.fill_between(band.points, band.low, band.high, color="0.85", linewidth=0, zorder=-1)
    ordered = rows.sort_values("p", ascending=False)["counts"]
    for place, counts in enumerate(str(each) for each in ordered):
        worst = place == len(rows) - 1
        line = difference(np.array(counts.split(), dtype="float64"), band.points)
        panel.plot(
            band.points,
            line,
            color="#D55E00" if worst else "#0072B2",
            linewidth=1.4 if worst else 0.6,
            alpha=1.0 if worst else 0.5,
        )
