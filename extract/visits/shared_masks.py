"""Masks that all visits of a participant share: one lesion, and what the brain masks of all visits cover."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.visits.scan_maps import BoolArray, ScanMaps

if TYPE_CHECKING:
    from neurotrial.imaging_plan import VisitPlan

__all__ = ["Carry", "SharedMasks", "carried", "shared_masks"]

Carry = Callable[[BoolArray, ScanMaps, ScanMaps], BoolArray]
"""Brings a mask from the grid of one scan to that of another."""

_SAME_VOXELS = 1e-3
"""Grids that lie less than this share of a voxel apart are the same."""


@dataclass(frozen=True, slots=True, eq=False)
class SharedMasks:
    """Masks on the grid of one scan that hold for every visit.

    Attributes
    ----------
    lesion : ndarray of bool, shape (x, y, z), or None
        The lesion mask that holds; None where no scan has one.
    covered : ndarray of bool, shape (x, y, z)
        What every visit measured.
    note : str
        Which lesion mask holds, where it is not the one that was asked for; else empty.
    """

    lesion: BoolArray | None
    covered: BoolArray
    note: str = ""


def carried(mask: BoolArray, to_source: Any, shape: tuple[int, ...]) -> BoolArray:
    """Bring a mask to another grid.

    Parameters
    ----------
    mask : ndarray of bool
        On its own grid.
    to_source : ndarray, shape (4, 4)
        From voxels of the new grid to voxels of the mask.
    shape : tuple of int
        Of the new grid.

    Returns
    -------
    ndarray of bool
        Value of the nearest voxel; False outside the grid of the mask.
    """
    from scipy.ndimage import affine_transform

    if shape == mask.shape and np.allclose(to_source, np.eye(4), atol=_SAME_VOXELS, rtol=0):
        return mask
    moved = affine_transform(
        mask.astype(np.uint8),
        to_source[:3, :3],
        to_source[:3, 3],
        output_shape=shape,
        order=0,
        mode="constant",
    )
    return np.asarray(moved > 0)


def shared_masks(
    scans: Sequence[ScanMaps], plan: VisitPlan, baseline: str, carry: Carry
) -> Mapping[str, SharedMasks]:
    """Make the masks that hold for every visit of one participant, on the grid of each scan.

    Parameters
    ----------
    scans : sequence of ScanMaps
        The scans of one participant that could be measured.
    plan : VisitPlan
        Whose lesion mask holds, and whether coverage is common.
    baseline : str
        Name of the baseline visit.
    carry : callable
        Brings a mask from the grid of one scan to that of another.

    Returns
    -------
    mapping of str to SharedMasks
        By the name of the scan.
    """
    first = [scan for scan in scans if scan.visit == baseline and scan.lesion is not None]
    shared = {"union": list(scans), "baseline": first, "own": []}[plan.lesion]
    note = ""
    if plan.lesion == "baseline" and not first:
        note = "the baseline visit has no lesion mask to carry over: each scan's own holds"
    found = {}
    for scan in scans:
        donors = shared or [scan]
        lesions = [carry(other.lesion, other, scan) for other in donors if other.lesion is not None]
        brains = [carry(other.brain, other, scan) for other in scans if plan.common_coverage]
        lesion = np.logical_or.reduce(lesions) if lesions else None
        found[scan.name] = SharedMasks(lesion, np.logical_and.reduce([scan.brain, *brains]), note)
    return found
