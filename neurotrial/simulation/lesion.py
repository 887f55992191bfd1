"""A lesion of the requested volume that grows from beside the internal capsule into one hemisphere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import refuse
from neurotrial.extract.sides import HEMISPHERES

if TYPE_CHECKING:
    from neurotrial.simulation.anatomy import Head

__all__ = ["growth_rank", "lesion_mask"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

_CENTRE_MM = (28.0, -9.0, 16.0)
"""Beside the internal capsule, below the corona radiata; lateral is positive on either side."""
_OUTWARD, _INWARD = np.array([1.6, 1.4, 1.1]), np.array([0.6, 0.8, 0.8])
"""How far the lesion reaches along x, y and z, relative to each other: more to the side, to the front and upwards than to
the midline, to the back and downwards, as infarcts of the middle cerebral artery do. Of the posterior limb of the
internal capsule 10 ml take a seventh, 60 ml six tenths, 150 ml nearly all."""
_MIDLINE_MM = 3.0
"""No lesion comes nearer to the midline."""
_NEVER = np.iinfo(np.int64).max


def growth_rank(centres: Floats, ventricle: Bools, side: str) -> Ints:
    """Return the order in which a lesion takes the voxels of the brain.

    Parameters
    ----------
    centres : ndarray, shape (n, 3)
        Centres of the voxels of the brain, in mm.
    ventricle : ndarray of bool, shape (n,)
        Never lesioned.
    side : {"left", "right"}
        Hemisphere of the lesion.

    Returns
    -------
    ndarray of int, shape (n,)
        0 for the first voxel; the largest integer for those that are never taken. Left and right are mirror images, ties
        included.
    """
    mirrored = centres * [-1 if side == "left" else 1, 1, 1]
    offset = mirrored - np.array(_CENTRE_MM)
    distance = np.linalg.norm(offset / np.where(offset > 0, _OUTWARD, _INWARD), axis=1)
    candidates = np.flatnonzero((mirrored[:, 0] >= _MIDLINE_MM) & ~ventricle)
    keys = np.column_stack([mirrored, np.round(distance, 9)])[candidates]
    rank = np.full(len(centres), _NEVER)
    rank[candidates[np.lexsort(keys.T)]] = np.arange(len(candidates))
    return rank


def lesion_mask(head: Head, side: Any, volume_ml: Any, voxels: Ints | slice = slice(None)) -> Bools:
    """Return the voxels of one lesion or of many.

    Parameters
    ----------
    head : Head
    side : {"left", "right"} or array of str, shape (n_scans,)
    volume_ml : float or array, shape (n_scans,)
        Volume of the lesion; met to half a voxel.
    voxels : ndarray of int, optional
        Rows of the head that are wanted; all by default.

    Returns
    -------
    ndarray of bool, shape (n_voxels,) or (n_scans, n_voxels)

    Raises
    ------
    InputError
        If a side is neither left nor right, or the hemisphere has no room for the volume.

    Examples
    --------
    >>> from neurotrial.simulation.anatomy import Anatomy
    >>> from neurotrial.simulation.protocols import PRESETS
    >>> head = Anatomy().on(PRESETS["small"].dwi.grid)
    >>> float(lesion_mask(head, "left", 20.0).sum() * head.grid.voxel_ml)
    20.0
    """
    sides, volumes = np.asarray(side), np.asarray(volume_ml, dtype=float)
    if not np.isin(sides, HEMISPHERES).all():
        raise refuse("side", "a simulated lesion is on the left or on the right", "give one of the two")
    room = float(np.sum(head.lesion_rank["left"] < _NEVER)) * head.grid.voxel_ml
    if not ((volumes >= 0) & (volumes <= room)).all():
        raise refuse("volume_ml", f"a lesion has 0 to {room:.0f} ml in this head", "give a volume within")
    count = np.round(volumes / head.grid.voxel_ml)[..., None]
    left, right = (head.lesion_rank[name][voxels] < count for name in HEMISPHERES)
    return np.where((sides == "left")[..., None], left, right)
