"""One picture a scan for quality control: what was measured, where, and what moved."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.sides import HEMISPHERES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurotrial.extract.opening import OpenedScan
    from neurotrial.extract.visits.scan_maps import ScanMaps

__all__ = ["draw_bold", "draw_dwi"]

_DPI = 90
_SIZE = (10.0, 4.4)
_SLICES_PROFILE = (
    (0.0, 0.10, 0.25, 0.74),
    (0.25, 0.10, 0.25, 0.74),
    (0.50, 0.10, 0.25, 0.74),
    (0.79, 0.16, 0.19, 0.66),
)
_SLICES_TRACE_MATRIX = (
    (0.0, 0.10, 0.19, 0.74),
    (0.19, 0.10, 0.19, 0.74),
    (0.415, 0.16, 0.23, 0.66),
    (0.735, 0.16, 0.22, 0.66),
)
"""Places of the panels, set by hand: finding them costs more time than drawing."""
_LESION, _TRACT, _CAPSULE = "#D55E00", "#56B4E9", "#F0E442"
_AXIAL, _CORONAL = 2, 1


def draw_dwi(
    scan: ScanMaps,
    lesion: Any,
    regions: Mapping[tuple[str, str], Any],
    profiles: pd.DataFrame,
    flags: Sequence[str],
    *,
    simulated: bool,
) -> bytes:
    """Draw fractional anisotropy in three slices with the outlines of regions and lesion, and its profile along the tract.

    Parameters
    ----------
    scan : ScanMaps
        Name (never the arm), grid, fractional anisotropy and side of the lesion.
    lesion : ndarray of bool, shape (x, y, z), or None
        The lesion mask that holds.
    regions : mapping of (str, str) to ndarray, shape (x, y, z)
        Weights of each region and hemisphere.
    profiles : DataFrame
        Rows of `profiles` of the corticospinal tract.
    flags : sequence of str
        What the limits flagged.
    simulated : bool
        Whether the picture says so.

    Returns
    -------
    bytes
        A PNG.
    """
    figure = _figure(scan.name, flags, simulated=simulated)
    tract, capsule = (_both_sides(regions, name) for name in ("cst", "plic"))
    lesioned = np.zeros(scan.brain.shape, dtype=bool) if lesion is None else lesion
    masks = ((tract, _TRACT, "CST"), (capsule, _CAPSULE, "PLIC"), (lesioned, _LESION, "lesion"))
    slices = [(_AXIAL, _middle(capsule, _AXIAL)), (_CORONAL, _middle(capsule, _CORONAL))]
    if lesioned.any():
        slices.append((_AXIAL, _middle(lesioned, _AXIAL)))
    fa = np.nan_to_num(scan.scalars["fa"])
    *places, right = _SLICES_PROFILE
    for place_of_panel, (axis, place) in zip(places, slices, strict=False):
        _slice(figure.add_axes(place_of_panel), scan.affine, fa, masks, axis, place, (0.0, 1.0))
    _profile(figure.add_axes(right), profiles, scan.side)
    _legend(figure, masks)
    return _png(figure)


def _both_sides(regions: Mapping[tuple[str, str], Any], region: str) -> Any:
    return np.logical_or.reduce([regions[region, hemisphere] >= 1 / 2 for hemisphere in HEMISPHERES])


def _profile(panel: Axes, profiles: pd.DataFrame, lesion_side: str | None) -> None:
    """Draw fractional anisotropy from cortex to pons, the lesioned side in the colour of the lesion."""
    rows = profiles[(profiles["feature"] == "fa") & (profiles["lesion_policy"] == "include")]
    for hemisphere, own in rows.groupby("hemisphere", sort=False):
        colour, style = (
            (_LESION, "-") if hemisphere == lesion_side else ("black", "-" if hemisphere == "left" else "--")
        )
        panel.plot(
            own["node"], own["value"], color=colour, linestyle=style, linewidth=1.2, label=str(hemisphere)
        )
    panel.set_ylim(0, 1)
    panel.set_xlim(0, 99)
    panel.set_xticks([0, 99], ["cortex", "pons"], fontsize=8)
    panel.tick_params(labelsize=7)
    panel.set_title("FA along the CST", fontsize=9)
    if len(rows):
        panel.legend(fontsize=7, frameon=False, loc="upper right")


def draw_bold(
    name: str,
    opened: OpenedScan,
    data: Any,
    labels: Any,
    displacement: Any,
    threshold: float,
    r: Any,
    nodes: pd.DataFrame,
    flags: Sequence[str],
    *,
    simulated: bool,
) -> bytes:
    """Draw the mean volume with nodes and lesion, the displacement of every volume, and the correlations.

    Parameters
    ----------
    name : str
        Participant, visit and modality; never the arm.
    opened : OpenedScan
        Gives the size of the voxels, the lesion, and its side, whose nodes stand first.
    data : ndarray, shape (x, y, z, volumes)
        The scan.
    labels : ndarray of int
        Node that each voxel belongs to, 0 for none.
    displacement : ndarray, shape (volumes,)
        Framewise displacement in mm.
    threshold : float
        Displacement above which volumes are left out.
    r : ndarray, shape (nodes, nodes)
        Correlations after cleaning.
    nodes : DataFrame
        The nodes of `r`.
    flags : sequence of str
        What the limits flagged.
    simulated : bool
        Whether the picture says so.

    Returns
    -------
    bytes
        A PNG.
    """
    figure = _figure(name, flags, simulated=simulated)
    mean = data.mean(axis=3)
    masks = ((labels > 0, _TRACT, "nodes"), (opened.lesion_mask, _LESION, "lesion"))
    *slices, middle, right = (figure.add_axes(place) for place in _SLICES_TRACE_MATRIX)
    inside = mean[mean > mean.max() / 2]
    window = (float(inside.min()) * 0.8, float(inside.max())) if inside.size else (0.0, 1.0)
    busiest = int((labels > 0).sum(axis=(0, 1)).argmax())
    for panel, place in zip(slices, (busiest, _middle(opened.lesion_mask, _AXIAL)), strict=True):
        _slice(panel, opened.image.affine, mean, masks, _AXIAL, place, window)
    _trace(middle, displacement, threshold)
    _matrix(figure, right, r, nodes, opened.side)
    _legend(figure, masks)
    return _png(figure)


def _figure(name: str, flags: Sequence[str], *, simulated: bool) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=_DPI)
    FigureCanvasAgg(figure)
    state = f"flagged: {', '.join(flags)}" if flags else "nothing flagged"
    origin = "    SIMULATED DATA" if simulated else ""
    figure.suptitle(f"{name}    {state}{origin}", fontsize=10, x=0.01, ha="left")
    return figure


def _middle(mask: Any, axis: int) -> int:
    """Return the slice through the middle of a mask, the middle of the volume for an empty one."""
    places = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
    return int(places[len(places) // 2]) if places.size else mask.shape[axis] // 2


def _slice(
    panel: Axes, affine: Any, volume: Any, masks: Any, axis: int, place: int, window: tuple[float, float]
) -> None:
    """Draw a slice as seen from behind or above: left is left (neurological convention)."""
    sizes = np.delete(np.linalg.norm(np.asarray(affine)[:3, :3], axis=0), axis)
    panel.imshow(
        np.take(volume, place, axis).T,
        cmap="gray",
        vmin=window[0],
        vmax=window[1],
        origin="lower",
        aspect=sizes[1] / sizes[0],
    )
    for mask, colour, _ in masks:
        own = np.take(mask, place, axis).T
        if own.any() and not own.all():
            panel.contour(own, levels=[0.5], colors=[colour], linewidths=1.2)
    for letter, x in (("L", 0.03), ("R", 0.92)):
        panel.text(x, 0.93, letter, transform=panel.transAxes, color="white", fontsize=9)
    world = np.asarray(affine)[axis] @ np.array([*np.where(np.arange(3) == axis, place, 0), 1])
    panel.set_title(f"{'xyz'[axis]} = {world:.0f} mm", fontsize=9)
    panel.set_xticks([])
    panel.set_yticks([])


def _trace(panel: Axes, displacement: Any, threshold: float) -> None:
    volumes = np.arange(len(displacement))
    out = displacement > threshold
    panel.plot(volumes, displacement, color="black", linewidth=0.8)
    panel.plot(volumes[out], displacement[out], "o", color=_LESION, markersize=3)
    panel.axhline(threshold, color=_LESION, linewidth=0.8, linestyle="--")
    panel.set_xlabel("volume", fontsize=8)
    panel.set_title(f"FD, mm: {out.sum()} of {len(out)} volumes left out", fontsize=9)
    panel.tick_params(labelsize=7)


def _matrix(figure: Figure, panel: Axes, r: Any, nodes: pd.DataFrame, lesion_side: str | None) -> None:
    first = lesion_side if lesion_side in HEMISPHERES else "left"
    order = np.argsort(nodes["hemisphere"].to_numpy() != first, kind="stable")
    drawn = panel.imshow(r[np.ix_(order, order)], cmap="RdBu_r", vmin=-1, vmax=1)
    panel.set_xticks(range(len(order)), nodes["node"].iloc[order], rotation=90, fontsize=6)
    panel.set_yticks(range(len(order)), nodes["node"].iloc[order], fontsize=6)
    edge = int((nodes["hemisphere"] == first).sum()) - 0.5
    panel.axhline(edge, color="black", linewidth=0.8)
    panel.axvline(edge, color="black", linewidth=0.8)
    panel.set_title("Correlation" + (", lesioned side first" if lesion_side == first else ""), fontsize=9)
    bar = figure.colorbar(drawn, cax=figure.add_axes((0.965, 0.26, 0.01, 0.46)), ticks=[-1, 0, 1])
    bar.ax.tick_params(labelsize=7)


def _legend(figure: Figure, masks: Any) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, label=label) for _, colour, label in masks]
    figure.legend(handles=handles, loc="lower left", ncols=len(handles), fontsize=8, frameon=False)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None}, pil_kwargs={"optimize": False})
    return buffer.getvalue()
