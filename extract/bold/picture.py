"""The picture of a resting-state scan for quality control: where the nodes are, what moved, and the correlations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.pictures import (
    LESION_COLOUR,
    NODE_COLOUR,
    correlation_matrix,
    empty_figure,
    legend,
    png_bytes,
    slice_panel,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from neurotrial.extract.bold.reading import ReadBold

__all__ = ["draw_bold"]

_AXIAL, _CORONAL, _SAGITTAL = 2, 1, 0
_SLICES = ((0.0, 0.08, 0.17, 0.78), (0.17, 0.08, 0.17, 0.78), (0.34, 0.08, 0.17, 0.78))
_DISPLACEMENT, _DVARS = (0.545, 0.56, 0.16, 0.27), (0.545, 0.16, 0.16, 0.27)
_MATRIX = (0.805, 0.2, 0.15, 0.6)


def draw_bold(
    name: str,
    read: ReadBold,
    nodes: pd.DataFrame,
    r: Any,
    displacement: Any,
    censored: Any,
    threshold: float,
    flags: Sequence[str],
    *,
    simulated: bool,
) -> bytes:
    """Draw the mean volume with nodes and lesion in three slices, motion and DVARS of every volume, and the correlations.

    Parameters
    ----------
    name : str
        Participant, visit and modality; never the arm.
    read : ReadBold
        Mean volume, masks, voxels of the nodes, DVARS, and the side of the lesion, whose nodes stand first.
    nodes : DataFrame
        The nodes.
    r : ndarray, shape (n_nodes, n_nodes)
        Correlations after cleaning; lost nodes are left out.
    displacement : ndarray, shape (n_volumes,)
        Framewise displacement in mm.
    censored : ndarray of bool, shape (n_volumes,)
        Volumes that were left out.
    threshold : float
        Displacement above which they were.
    flags : sequence of str
        What the limits flagged.
    simulated : bool
        Whether the picture says so.

    Returns
    -------
    bytes
        A PNG.
    """
    figure = empty_figure(name, flags, simulated=simulated)
    opened, shape = read.opened, read.opened.brain.shape
    spheres = np.zeros(shape, dtype=bool)
    for place in range(len(nodes)):
        spheres |= read.voxels[0].mask(place, shape)
    lesion = np.zeros(shape, dtype=bool) if opened.lesion_mask is None else opened.lesion_mask
    masks = ((spheres, NODE_COLOUR, "nodes"), (lesion, LESION_COLOUR, "lesion"))
    mean = np.nan_to_num(read.found.mean)
    inside = mean[opened.brain]
    window = (float(np.quantile(inside, 0.02)) * 0.8, float(np.quantile(inside, 0.98)))
    for panel, (axis, place) in zip(_SLICES, _places(spheres, lesion), strict=True):
        slice_panel(figure.add_axes(panel), opened.affine, mean, masks, axis, place, window)
    trace = figure.add_axes(_DISPLACEMENT)
    _trace(trace, displacement, censored, f"FD, mm: {censored.sum()} of {len(censored)} volumes left out")
    trace.axhline(threshold, color=LESION_COLOUR, linewidth=0.8, linestyle="--")
    trace.set_xticklabels([])
    lower = figure.add_axes(_DVARS)
    _trace(lower, read.found.dvars_percent, censored, "DVARS, % of the mean signal")
    lower.set_xlabel("volume", fontsize=8)
    left = np.isfinite(np.diag(r))
    correlation_matrix(
        figure, figure.add_axes(_MATRIX), r[np.ix_(left, left)], nodes[left].reset_index(drop=True), opened.side
    )  # fmt: skip
    legend(figure, masks)
    return png_bytes(figure)


def _places(spheres: Any, lesion: Any) -> list[tuple[int, int]]:
    """Return the slices: the axial and the coronal one with the most nodes, and the axial one with the most lesion."""
    found = [(axis, _busiest(spheres, axis)) for axis in (_AXIAL, _CORONAL)]
    third = (_AXIAL, _busiest(lesion, _AXIAL)) if lesion.any() else (_SAGITTAL, _busiest(spheres, _SAGITTAL))
    return [*found, third]


def _busiest(mask: Any, axis: int) -> int:
    return int(mask.sum(axis=tuple(other for other in range(3) if other != axis)).argmax())


def _trace(panel: Axes, values: Any, censored: Any, title: str) -> None:
    volumes = np.arange(len(values))
    panel.plot(volumes, values, color="black", linewidth=0.8)
    panel.plot(volumes[censored], values[censored], "o", color=LESION_COLOUR, markersize=3)
    panel.set_title(title, fontsize=9)
    panel.tick_params(labelsize=7)
    panel.set_xlim(0, max(len(values) - 1, 1))
