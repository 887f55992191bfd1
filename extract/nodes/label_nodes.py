"""Regions of an atlas as nodes: their table, and their voxels in a scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.nodes.spheres import node_voxels
from neurotrial.extract.sides import LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from neurotrial.extract.atlases.atlas import Atlas
    from neurotrial.extract.nodes.spheres import BoolArray, NodeVoxels
    from neurotrial.extract.registration.transform import Transform

__all__ = ["label_nodes", "label_voxels"]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Shape and affine of a scan."""

    shape: tuple[int, ...]
    affine: Any


def label_nodes(atlas: Atlas) -> pd.DataFrame:
    """Return the regions of an atlas as a table of nodes.

    Parameters
    ----------
    atlas : Atlas
        As `neurotrial.extract.read_atlas` gives it, which refuses mirrored ones.

    Returns
    -------
    DataFrame
        Columns as `neurotrial.extract.read_nodes` gives them: node (``region_l``, ``region_r``, or ``region`` where it is of
        both hemispheres), pair (the region, where both sides are there), the centroid in mm, no radius.

    Raises
    ------
    InputError
        If the atlas has no region.
    """
    import pandas as pd

    if not atlas.regions:
        raise refuse(atlas.name, "has no region", "name its labels")
    known = set(atlas.regions)
    rows = []
    for region, side in atlas.regions:
        paired = {(region, "left"), (region, "right")} <= known and side in LETTERS
        x, y, z = _centroid(atlas, region, side)
        rows.append({
            "node": f"{region}_{LETTERS[side].lower()}" if side in LETTERS else region,
            "pair": region if paired else None, "hemisphere": side if side in LETTERS else "none",
            "x": x, "y": y, "z": z, "radius_mm": np.nan, "crossed": "cerebell" in region,
            "space": atlas.space or "not stated", "citation": None, "label": None,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _centroid(atlas: Atlas, region: str, side: str) -> tuple[float, float, float]:
    weights = atlas.weights(region, side)
    places = np.argwhere(weights > 0)
    middle = np.average(places, axis=0, weights=weights[weights > 0])
    x, y, z = np.asarray(atlas.image.affine)[:3] @ [*middle, 1.0]
    return float(x), float(y), float(z)


def label_voxels(
    atlas: Atlas,
    shape: Sequence[int],
    affine: Any,
    *,
    transform: Transform | None = None,
    brain: BoolArray | None = None,
    lesion: BoolArray | None = None,
    exclude_lesion: bool = False,
) -> NodeVoxels:
    """Find the voxels of each region of an atlas in a scan: those that belong to it by at least a half.

    Parameters
    ----------
    atlas : Atlas
        The regions.
    shape, affine : sequence of int, ndarray of shape (4, 4)
        Grid of the scan.
    transform : Transform, optional
        From points of the scan to points of the atlas; by default both stand in one space.
    brain, lesion, exclude_lesion
        As for `neurotrial.extract.nodes.spheres.sphere_voxels`.

    Returns
    -------
    NodeVoxels
        Coverage counts the volume of the region in the atlas, so that what lies outside the field of view is not covered; with
        a transform that changes volumes it is of that precision.
    """
    from neurotrial.extract.atlases.projection import project_regions
    from neurotrial.extract.registration.transform import identity

    way = transform or identity()
    grid: Any = _Grid(tuple(shape), np.asarray(affine))
    brought = project_regions(atlas, way, grid)
    voxel = abs(np.linalg.det(np.asarray(affine)[:3, :3]))
    own_voxel = abs(np.linalg.det(np.asarray(atlas.image.affine)[:3, :3]))
    inside, wanted = [], []
    for region in atlas.regions:
        inside.append(np.flatnonzero(brought[region] >= 1 / 2))
        middle = np.array(_centroid(atlas, *region))
        wanted.append(
            float((atlas.weights(*region) >= 1 / 2).sum() * own_voxel / voxel) / _growth(way, middle)
        )
    return node_voxels(inside, wanted, brain=brain, lesion=lesion, exclude_lesion=exclude_lesion)


def _growth(transform: Transform, point: Any) -> float:
    """Return by how much a volume grows from the scan to the atlas, near the place where both are alike."""
    steps = np.vstack([np.zeros(3), np.eye(3)])
    moved = transform.map_points(point + steps)
    return float(abs(np.linalg.det(moved[1:] - moved[0])))
