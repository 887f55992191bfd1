"""Figures of arviz_plots in the house style, and data as its functions take them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.reports.figures.style import WIDTH, fitted

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurotrial.models.bayes.model import FloatArray

__all__ = ["arviz_figure", "label_bottom", "legend_of", "stacked", "tree", "tree_of"]


def arviz_figure(draw: Callable[..., Any], height: float, **given: Any) -> tuple[Figure, list[Axes]]:
    """Return the figure of a function of arviz_plots without legends, and its panels in the order in which they were made.

    Parameters
    ----------
    draw : callable
        A function of `arviz_plots`.
    height : float
        Of the figure, in inches; its width is that of the house.
    given : Any
        Arguments of the function.
    """
    import matplotlib.pyplot as plt
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with _quiet():
        made = draw(backend="matplotlib", figure_kwargs={"figsize": (WIDTH, height)}, **given)
    figure: Figure = made.viz["figure"].item()
    for legend in [*figure.legends, *(panel.get_legend() for panel in figure.axes)]:
        if legend is not None:
            legend.remove()
    # it belongs to the caller: notebooks would show an open one twice
    plt.close(figure)
    FigureCanvasAgg(figure)
    return figure, list(figure.axes)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what arviz_plots 0.8 does in a way that newer versions of xarray will not take."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def label_bottom(axes: Sequence[Axes], columns: int, label: str) -> None:
    """Write the label of the horizontal axis below the last panel of each column."""
    for panel in axes:
        panel.set_xlabel("")
    for panel in axes[-columns:]:
        panel.set_xlabel(fitted(label, WIDTH / columns - 0.3))


def legend_of(figure: Figure, styles: Mapping[str, tuple[str, Any]]) -> None:
    """Write below a figure which colour and line stand for what."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, linestyle=line, linewidth=1.6, label=name)
        for name, (colour, line) in styles.items()
    ]
    figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=min(len(handles), 6))


def stacked(values: Mapping[str, FloatArray], dim: str) -> xr.Dataset:
    """Return numbers of shape (chains, draws) as one variable, shortened to the fewest draws."""
    import xarray as xr

    length = min(array.shape[1] for array in values.values())
    whole = np.stack([array[:, :length] for array in values.values()], axis=2)
    coords = {"chain": np.arange(len(whole)), "draw": np.arange(length), dim: list(values)}
    return xr.Dataset({"effect": (("chain", "draw", dim), whole)}, coords)


def tree(groups: Mapping[str, xr.Dataset]) -> xr.DataTree:
    """Return data sets as the tree that both generations of arviz_plots take."""
    import xarray as xr

    return xr.DataTree.from_dict({f"/{name}": group for name, group in groups.items()})


def tree_of(groups: Mapping[str, Mapping[str, FloatArray]]) -> xr.DataTree:
    """Return groups of variables that share no dimension; what has draws has the shape (chains, draws, n), else (n,)."""
    import xarray as xr

    found = {}
    for group, values in groups.items():
        own = {}
        for name, array in values.items():
            sample = ("chain", "draw")[: array.ndim - 1]
            own[name] = ((*sample, f"{name}, participant"), array)
        found[group] = xr.Dataset(own)
    return tree(found)
