"""The voxels of a region: found once, and with them what every statistic needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurotrial.extract.regions.ring import box_of

__all__ = ["CORE", "Surroundings", "Voxels", "region_voxels"]

CORE = 0.5
"""Weight from which a voxel belongs to the region where a yes or no is needed."""

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Masks of a scan, all of one shape.

    Attributes
    ----------
    inside : ndarray of bool
        Voxels that can be measured.
    lesion, ring : ndarray of bool or None
        Lesion and perilesional ring; None where they are not known or not needed.
    """

    inside: BoolArray
    lesion: BoolArray | None
    ring: BoolArray | None


@dataclass(frozen=True, slots=True, eq=False)
class Voxels:
    """The n voxels of a region that have a weight.

    Attributes
    ----------
    index : tuple of ndarray of int, shape (n,)
        Their place in the image.
    weights : ndarray, shape (n,)
        In (0, 1].
    inside, lesioned, ring : ndarray of bool, shape (n,)
        As in `Surroundings`; nowhere where those are None.
    """

    index: tuple[Any, ...]
    weights: FloatArray
    inside: BoolArray
    lesioned: BoolArray
    ring: BoolArray

    def core(self) -> Voxels:
        """Return the voxels of a weight of at least a half, each with a weight of 1."""
        held = self.weights >= CORE
        index = tuple(axis[held] for axis in self.index)
        masks = (mask[held] for mask in (self.inside, self.lesioned, self.ring))
        return Voxels(index, np.ones(int(held.sum())), *masks)

    def picked(self, policy: str) -> BoolArray:
        """Return which voxels a lesion policy takes."""
        if policy == "include":
            return np.ones(self.weights.size, dtype=bool)
        if policy == "exclude":
            return ~self.lesioned
        return self.lesioned if policy == "only" else self.ring


def region_voxels(weights: Any, around: Surroundings, erosion: int = 0) -> Voxels:
    """Find the voxels of a region.

    Parameters
    ----------
    weights : ndarray
        Weight of each voxel, 0 to 1, or a mask.
    around : Surroundings
        Masks of the same shape.
    erosion : int
        How many times the region (weights of at least a half) loses the voxels at its border.
    """
    if erosion:
        weights = np.where(_eroded(weights >= CORE, erosion), weights, 0)
    index = np.unravel_index(np.flatnonzero(weights), weights.shape)
    found = weights[index].astype("float64")
    lesioned, ring = (
        np.zeros(found.size, dtype=bool) if mask is None else mask[index]
        for mask in (around.lesion, around.ring)
    )
    return Voxels(index, found, around.inside[index], lesioned, ring)


def _eroded(mask: BoolArray, times: int) -> BoolArray:
    from scipy.ndimage import binary_erosion

    smaller = np.zeros(mask.shape, dtype=bool)
    if mask.any():
        box = box_of(mask, [0] * mask.ndim)
        smaller[box] = binary_erosion(mask[box], iterations=times)
    return smaller
