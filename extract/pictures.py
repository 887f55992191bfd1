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

    from neurotrial.extract.visits.scan_maps import ScanMaps

__all__ = [
    "LESION_COLOUR",
    "NODE_COLOUR",
    "correlation_matrix",
    "draw_dwi",
    "empty_figure",
    "legend",
    "png_bytes",
    "slice_panel",
]

_DPI = 90
_SIZE = (10.0, 4.4)
_SLICES_PROFILE = (
    (0.0, 0.10, 0.25, 0.74),
    (0.25, 0.10, 0.25, 0.74),
    (0.50, 0.10, 0.25, 0.74),
    (0.79, 0.16, 0.19, 0.66),
)
"""Places of the panels, set by hand: finding them costs more time than drawing."""
LESION_COLOUR, NODE_COLOUR, _CAPSULE = "#D55E00", "#56B4E9", "#F0E442"
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
    figure = empty_figure(scan.name, flags, simulated=simulated)
    tract, capsule = (_both_sides(regions, name) for name in ("cst", "plic"))
    lesioned = np.zeros(scan.brain.shape, dtype=bool) if lesion is None else lesion
    masks = ((tract, NODE_COLOUR, "CST"), (capsule, _CAPSULE, "PLIC"), (lesioned, LESION_COLOUR, "lesion"))
    slices = [(_AXIAL, _middle(capsule, _AXIAL)), (_CORONAL, _middle(capsule, _CORONAL))]
    if lesioned.any():
        slices.append((_AXIAL, _middle(lesioned, _AXIAL)))
    fa = np.nan_to_num(scan.scalars["fa"])
    *places, right = _SLICES_PROFILE
    for place_of_panel, (axis, place) in zip(places, slices, strict=False):
        slice_panel(figure.add_axes(place_of_panel), scan.affine, fa, masks, axis, place, (0.0, 1.0))
    _profile(figure.add_axes(right), profiles, scan.side)
    legend(figure, masks)
    return png_bytes(figure)


def _both_sides(regions: Mapping[tuple[str, str], Any], region: str) -> Any:
    return np.logical_or.reduce([regions[region, hemisphere] >= 1 / 2 for hemisphere in HEMISPHERES])


def _profile(panel: Axes, profiles: pd.DataFrame, lesion_side: str | None) -> None:
    """Draw fractional anisotropy from cortex to pons, the lesioned side in the colour of the lesion."""
    rows = profiles[(profiles["feature"] == "fa") & (profiles["lesion_policy"] == "include")]
    for hemisphere, own in rows.groupby("hemisphere", sort=False):
        colour, style = (
            (LESION_COLOUR, "-")
            if hemisphere == lesion_side
            else ("black", "-" if hemisphere == "left" else "--")
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


def empty_figure(name: str, flags: Sequence[str], *, simulated: bool) -> Figure:
    """Return a figure with the name of a scan, its flags, and whether its data are simulated."""
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


def slice_panel(
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


def correlation_matrix(
    figure: Figure, panel: Axes, r: Any, nodes: pd.DataFrame, lesion_side: str | None
) -> None:
    """Draw correlations with the nodes of the lesioned side first; crossed ones are marked by a star."""
    first = lesion_side if lesion_side in HEMISPHERES else "left"
    order = np.argsort(nodes["hemisphere"].to_numpy() != first, kind="stable")
    names = [
        name + (" *" if flag else "") for name, flag in zip(nodes["node"], nodes["crossed"], strict=True)
    ]
    names = [names[place] for place in order]
    drawn = panel.imshow(r[np.ix_(order, order)], cmap="RdBu_r", vmin=-1, vmax=1)
    panel.set_xticks(range(len(order)), names, rotation=90, fontsize=5.5)
    panel.set_yticks(range(len(order)), names, fontsize=5.5)
    edge = int((nodes["hemisphere"] == first).sum()) - 0.5
    panel.axhline(edge, color="black", linewidth=0.8)
    panel.axvline(edge, color="black", linewidth=0.8)
    panel.set_title("Correlation" + (", lesioned side first" if lesion_side == first else ""), fontsize=8)
    bar = figure.colorbar(drawn, cax=figure.add_axes((0.968, 0.26, 0.008, 0.46)), ticks=[-1, 0, 1])
    bar.ax.tick_params(labelsize=7)


def legend(figure: Figure, masks: Any) -> None:
    """Name the outlines."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, label=label) for _, colour, label in masks]
    figure.legend(handles=handles, loc="lower left", ncols=len(handles), fontsize=8, frameon=False)


def png_bytes(figure: Figure) -> bytes:
    """Return a figure as a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None}, pil_kwargs={"optimize": False})
    return buffer.getvalue()
