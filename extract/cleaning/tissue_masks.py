"""Masks of tissues that keep away from their border and from the lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.regions.ring import perilesional_ring

__all__ = ["SafeMask", "safe_mask"]

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class SafeMask:
    """Mask of a tissue without the lesion.

    Attributes
    ----------
    mask : ndarray of bool, shape (x, y, z), or None
        None where too few voxels are left.
    n_voxels : int
        Voxels that are left, also where they are too few.
    erosion : int
        Layers that were taken off; fewer than wanted where the tissue is too thin.
    reason : str
        Why there is no mask; empty where there is one.
    """

    mask: BoolArray | None
    n_voxels: int
    erosion: int
    reason: str = ""


def safe_mask(
    tissue: Any,
    lesion: Any,
    voxel_mm: Sequence[float],
    *,
    brain: Any = None,
    dilation_mm: float = 6.0,
    erosion: int = 1,
    threshold: float = 0.95,
    fewest: int = 50,
) -> SafeMask:
    """Return the voxels of a tissue away from its border and from the lesion.

    Parameters
    ----------
    tissue : array, shape (x, y, z)
        Mask, or probability of 0 to 1, on the grid of the image.
    lesion : array of bool, shape (x, y, z), or None
        The lesion; may be empty.
    voxel_mm : sequence of float
        Size of a voxel along each axis.
    brain : array of bool, shape (x, y, z), optional
        Voxels that may be used at all.
    dilation_mm : float
        Voxels whose centre is as near to a lesioned one, or nearer, are left out.
    erosion : int
        Layers of voxels taken off the border of the tissue; where that leaves too few, fewer are.
    threshold : float
        Probability from which a voxel belongs to the tissue.
    fewest : int
        Voxels that a mask needs.

    Returns
    -------
    SafeMask

    Raises
    ------
    InputError
        If the arrays have different shapes.
    """
    values = np.asarray(tissue)
    near = np.zeros(values.shape, dtype=bool)
    usable = np.ones(values.shape, dtype=bool) if brain is None else np.asarray(brain, dtype=bool)
    if lesion is not None:
        near = np.asarray(lesion, dtype=bool)
    if not values.shape == usable.shape == near.shape:
        rule = f"tissue, brain and lesion have the shapes {values.shape}, {usable.shape} and {near.shape}"
        raise refuse("masks", rule, "bring them to the grid of the image")
    usable = usable & ~near & ~perilesional_ring(near, voxel_mm, dilation_mm)
    inside = values >= threshold
    for layers in range(erosion, -1, -1):
        mask = _eroded(inside, layers) & usable
        count = int(mask.sum())
        if count >= fewest:
            return SafeMask(mask, count, layers)
    rule = f"{count} voxels away from the lesion, {fewest} are needed"
    return SafeMask(None, count, 0, rule)


def _eroded(mask: BoolArray, layers: int) -> BoolArray:
    """Take layers off a mask; beyond the edge of the image there is no tissue."""
    from scipy.ndimage import binary_erosion

    return np.asarray(binary_erosion(mask, iterations=layers) if layers else mask)
