"""Nodes of the simulated motor network: twelve spheres, six on each side, and the voxels in them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from neurotrial.simulation.anatomy import Head

__all__ = ["in_node_order", "node_table", "sphere_voxels"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

_RIGHT = {
    "m1": (38.0, -20.0, 56.0),
    "s1": (46.0, -36.0, 48.0),
    "sma": (9.0, -4.0, 62.0),
    "pmd": (27.0, -4.0, 61.0),
    "pmv": (51.0, 8.0, 28.0),
    "cerebellum": (18.0, -60.0, -24.0),
}
"""The simulator's own points in mm: near the areas that they are named after, and far enough apart that no two spheres
share a voxel. They are no published coordinates."""
_RADIUS_MM = 7.5
"""Gives every sphere at least four voxels of 6 mm."""


def node_table() -> pd.DataFrame:
    """Return the nodes: first the left ones, then their mirror images.

    Returns
    -------
    DataFrame
        Columns node, pair, hemisphere (left or right), x, y, z (mm, x < 0 is left), radius_mm; it can be written as
        ``nodes.tsv``.
    """
    rows = [
        {
            "node": f"{pair}_{hemisphere[0]}", "pair": pair, "hemisphere": hemisphere,
            "x": sign * x, "y": y, "z": z, "radius_mm": _RADIUS_MM,
        }
        for hemisphere, sign in (("left", -1), ("right", 1))
        for pair, (x, y, z) in _RIGHT.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


@lru_cache(maxsize=8)
def sphere_voxels(head: Head) -> tuple[Ints, ...]:
    """Return, for each node of `node_table`, the rows of the head whose centres lie in its sphere."""
    table = node_table()
    points = table[["x", "y", "z"]].to_numpy()
    distance = np.linalg.norm(head.centres[:, None] - points, axis=2)
    return tuple(np.flatnonzero(column <= _RADIUS_MM) for column in distance.T)


def in_node_order(correlation: Floats, side: str) -> Floats:
    """Put a correlation matrix of ipsilesional, then contralesional nodes into the order of `node_table`.

    Parameters
    ----------
    correlation : ndarray, shape (12, 12)
    side : {"left", "right"}
        Side of the lesion.

    Returns
    -------
    ndarray, shape (12, 12)
        Left nodes first.
    """
    half = len(_RIGHT)
    order = np.roll(np.arange(2 * half), 0 if side == "left" else half)
    return correlation[np.ix_(order, order)]
