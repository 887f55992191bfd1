"""The specification curve: every estimate in order, and below which options each has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["curve_figure"]

_CLEAR, _UNCLEAR, _REFERENCE = "#0072B2", "#999999", "#D55E00"
_MANY = 300
_OPTION_HEIGHT = 0.17


def curve_figure(table: pd.DataFrame, decisions: Sequence[str]) -> Figure:
    """Draw the curve of the specifications that could be fitted.

    Parameters
    ----------
    table : DataFrame
        As `Multiverse.tidy` gives it.
    decisions : sequence of str
        Its columns with options.

    Returns
    -------
    Figure
        Drawn without pyplot: nothing stays open. Blue where the interval excludes 0, grey where it does not; the
        reference specification is a diamond with a line through all panels.
    """
    from matplotlib.figure import Figure

    rows = table[table["status"] == "ok"].sort_values("estimate_sd", kind="stable").reset_index(drop=True)
    counts = [rows[name].nunique() for name in decisions]
    heights = [2.4, *(0.25 + _OPTION_HEIGHT * count for count in counts), 0.5]
    figure = Figure(figsize=(7.0, sum(heights) + 0.6), layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, gridspec_kw={"height_ratios": heights})
    marked = np.flatnonzero(rows["reference"].to_numpy(dtype=bool)).tolist()
    reference = marked[0] if marked else None
    _estimates(axes[0], rows, reference)
    for axis, name in zip(axes[1:-1], decisions, strict=True):
        _options(axis, rows, name, reference)
    _sizes(axes[-1], rows)
    axes[-1].set_xlabel(f"{len(rows)} specifications, in the order of their estimates", fontsize=8)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    return figure


def _colours(rows: pd.DataFrame) -> np.ndarray:
    clear = (rows["conf_low_sd"] > 0) | (rows["conf_high_sd"] < 0)
    return np.where(clear, _CLEAR, _UNCLEAR)


def _estimates(axis: Axes, rows: pd.DataFrame, reference: int | None) -> None:
    x, colours = np.arange(len(rows)), _colours(rows)
    width = 1.2 if len(rows) <= _MANY else 0.4
    axis.vlines(x, rows["conf_low_sd"], rows["conf_high_sd"], colors=list(colours), alpha=0.35, lw=width)
    axis.scatter(x, rows["estimate_sd"], c=list(colours), s=7 if len(rows) <= _MANY else 2, zorder=3)
    axis.axhline(0, color="black", lw=0.8)
    if reference is not None:
        axis.scatter(
            [reference], rows["estimate_sd"].iloc[[reference]], c=_REFERENCE, marker="D", s=34, zorder=4
        )
        axis.axvline(reference, color=_REFERENCE, lw=0.7)
    level = float(rows["conf_level"].iloc[0]) if len(rows) else 0.95
    axis.set_ylabel(f"Effect in baseline SDs\n({100 * level:g} % CI)", fontsize=8)


def _options(axis: Axes, rows: pd.DataFrame, name: str, reference: int | None) -> None:
    names = list(dict.fromkeys(rows.sort_values("specification")[name]))
    place = rows[name].map({option: index for index, option in enumerate(names)}).to_numpy(dtype="float64")
    size = 5 if len(rows) <= _MANY else 1.5
    axis.scatter(
        np.arange(len(rows)), place, marker="|", c=list(_colours(rows)), s=size * 6, linewidths=size / 5
    )
    if reference is not None:
        axis.axvline(reference, color=_REFERENCE, lw=0.7)
    axis.set_yticks(range(len(names)), [_short(option) for option in names])
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_title(name.replace("_", " "), fontsize=8, loc="left", pad=2, parse_math=False)
    for label in axis.get_yticklabels():
        label.set_parse_math(False)


def _sizes(axis: Axes, rows: pd.DataFrame) -> None:
    counts = rows["n_participants"].to_numpy(dtype="float64")
    axis.fill_between(np.arange(len(rows)), counts, step="mid", color=_UNCLEAR, alpha=0.5)
    axis.set_ylabel("n", fontsize=8)


def _short(option: str, longest: int = 28) -> str:
    return option if len(option) <= longest else f"{option[: longest - 1]}…"
