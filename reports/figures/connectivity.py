"""Motor network as matrices: mean Fisher z by arm and visit, and its change, ipsilesional nodes first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.reports.connection_matrices import SIDES, connectivity_matrices, pair_label
from neurotrial.reports.figures.style import (
    LINE,
    WIDTH,
    fitted,
    in_house_style,
    line_count,
    mark_simulated,
    new_figure,
    note_simulated,
)
from neurotrial.reports.floats import Plot
from neurotrial.reports.markdown_text import Markdown, escape
from neurotrial.reports.number_format import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from neurotrial.reports.cited import CitedResults
    from neurotrial.reports.connection_matrices import Matrix

__all__ = ["connectivity_figure"]

_LONG: Mapping[str, str] = MappingProxyType(
    {
        "m1": "primary motor cortex",
        "s1": "primary somatosensory cortex",
        "sma": "supplementary motor area",
        "pmd": "dorsal premotor cortex",
        "pmv": "ventral premotor cortex",
        "cerebellum": "cerebellum",
    }
)
_HEIGHT = 8.2
"""Largest height in inches: a page."""


@in_house_style
def connectivity_figure(data: CitedResults) -> Plot | None:
    """Draw the matrices, one row an arm: baseline, the last visit with values, and the change.

    Parameters
    ----------
    data : CitedResults
        Results of a fit.

    Returns
    -------
    Plot or None
        None if the store has no connections.
    """
    if not data.rows("connectivity"):
        return None
    pairs, matrices = connectivity_matrices(data)
    arms = [arm.name for arm in data.study.arms if any(name == arm.name for name, _ in matrices)]
    seen = [visit.name for visit in data.study.visits if any(name == visit.name for _, name in matrices)]
    visits = list(dict.fromkeys((seen[0], seen[-1])))
    columns = len(visits) + (len(visits) > 1)
    heads = [fitted(label, WIDTH / columns - 0.3) for label in _heads(data, visits)]
    names = [fitted(data.arm_label(arm), 1.6) for arm in arms]
    extra = 1.5 + LINE * line_count(*heads)
    figure = new_figure(min(_HEIGHT, extra + 1.95 * len(arms)))
    panels = figure.subplots(len(arms), columns, squeeze=False)
    images = _draw(panels, matrices, arms, visits)
    _label_panels(panels, pairs, heads, names)
    _colour_bars(figure, panels, images, len(visits))
    mark_simulated(figure, data.study)
    return Plot("connectivity", figure, _caption(data, pairs, visits), _alt(data, matrices, arms, visits))


def _heads(data: CitedResults, visits: list[str]) -> list[str]:
    labels = [data.visit_label(visit) for visit in visits]
    return labels + (["Change"] if len(visits) > 1 else [])


def _change(
    matrices: dict[tuple[str, str], Matrix], arm: str, visits: list[str]
) -> np.ndarray[Any, Any] | None:
    first, last = (matrices.get((arm, visit)) for visit in (visits[0], visits[-1]))
    return None if first is None or last is None else last.z - first.z


def _draw(
    panels: np.ndarray[Any, Any], matrices: dict[tuple[str, str], Matrix], arms: list[str], visits: list[str]
) -> list[AxesImage]:
    """Draw every matrix; values share a scale and changes share a scale, both centred at 0. Return one image of each."""
    reach = max(_reach(matrix.z) for (_, visit), matrix in matrices.items() if visit in visits)
    changes = {arm: _change(matrices, arm, visits) for arm in arms} if len(visits) > 1 else {}
    span = max((_reach(change) for change in changes.values() if change is not None), default=1.0)
    images: dict[str, AxesImage] = {}
    for arm, row in zip(arms, panels, strict=True):
        for visit, panel in zip(visits, row, strict=False):
            found = matrices.get((arm, visit))
            if found is None:
                _nothing(panel)
            else:
                images["value"] = _image(panel, found.z, reach)
                panel.set_title(found.n, fontsize=8)
        if changes:
            change = changes[arm]
            if change is None:
                _nothing(row[-1])
            else:
                images["change"] = _image(row[-1], change, span)
    return list(images.values())


def _reach(z: np.ndarray[Any, Any]) -> float:
    return float(np.nanmax(np.abs(z), initial=0.0, where=~np.isnan(z))) or 1.0


def _image(panel: Axes, z: np.ndarray[Any, Any], reach: float) -> AxesImage:
    import matplotlib as mpl

    colours = mpl.colormaps["RdBu_r"].with_extremes(bad="0.75")
    image = panel.imshow(z, cmap=colours, vmin=-reach, vmax=reach, interpolation="nearest")
    middle = len(z) / 2 - 0.5
    panel.axhline(middle, color="black", linewidth=1.2)
    panel.axvline(middle, color="black", linewidth=1.2)
    panel.spines[["top", "right"]].set_visible(True)
    return image


def _nothing(panel: Axes) -> None:
    panel.text(0.5, 0.5, "no values", transform=panel.transAxes, ha="center", va="center")


def _label_panels(panels: np.ndarray[Any, Any], pairs: list[str], heads: list[str], names: list[str]) -> None:
    ticks = [pair_label(pair) for pair in pairs] * 2
    for column, head in enumerate(heads):
        own = panels[0, column].get_title()
        panels[0, column].set_title(f"{head}\n{own}" if own else head, fontsize=9)
    for row, name in zip(panels, names, strict=True):
        for panel in row:
            panel.set_xticks(range(len(ticks)), ticks, rotation=90, fontsize=6.5)
            panel.set_yticks(range(len(ticks)), ticks, fontsize=6.5)
            panel.tick_params(length=0, pad=1)
        row[0].set_ylabel(name, labelpad=14)
        _label_blocks(row[0], ticks)


def _label_blocks(panel: Axes, ticks: list[str]) -> None:
    """Write the names of the two blocks between the labels of the nodes and that of the arm."""
    away = -(8 + 0.62 * 6.5 * max(map(len, ticks)))
    for side, place in zip(SIDES, (0.75, 0.25), strict=True):
        panel.annotate(
            side, (0, place), (away, 0), xycoords="axes fraction", textcoords="offset points", rotation=90,
            ha="center", va="center", fontsize=7,
        )  # fmt: skip


def _colour_bars(figure: Figure, panels: np.ndarray[Any, Any], images: list[AxesImage], visits: int) -> None:
    labels = ("Mean Fisher z", "Change in mean Fisher z")
    places = (panels[:, :visits], panels[:, visits:])
    for image, label, axes in zip(images, labels, places, strict=False):
        bar = figure.colorbar(image, ax=list(axes.ravel()), location="bottom", shrink=0.7, aspect=25)
        bar.set_label(label, fontsize=8.5)
        bar.ax.tick_params(labelsize=8)


def _caption(data: CitedResults, pairs: list[str], visits: list[str]) -> Markdown:
    population = data.rows("connectivity")[0].values["population"]
    label = next((item.label for item in data.study.populations if item.name == population), population)
    words = "; ".join(f"{pair_label(pair)}, {_LONG[pair]}" for pair in pairs if pair in _LONG)
    change = (
        f" Change: {data.visit_label(visits[-1])} minus {data.visit_label(visits[0])}, difference of the two means."
        if len(visits) > 1
        else ""
    )
    text = (
        f"Mean Fisher z between the nodes of the motor network by arm and visit, over the participants with a value. "
        f"Population: {label}. The lines divide ipsilesional nodes (above and left) from contralesional ones; grey: no value.{change}"
    )
    return Markdown(escape(f"{text} {words}." if words else text))


def _alt(
    data: CitedResults, matrices: dict[tuple[str, str], Matrix], arms: list[str], visits: list[str]
) -> str:
    words = [
        f"{data.arm_label(arm)}, {data.visit_label(visit)} ({matrix.n}): mean {number(matrix.between(), 2)} between the "
        f"hemispheres, {number(matrix.within(0), 2)} within the ipsilesional and {number(matrix.within(1), 2)} within the "
        "contralesional one"
        for arm in arms
        for visit in visits
        for matrix in [matrices.get((arm, visit))]
        if matrix is not None
    ]
    return f"Matrices of mean Fisher z, one row an arm, one column a visit. {'; '.join(words)}.{note_simulated(data.study)}"
