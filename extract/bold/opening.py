"""What a resting-state scan begins with: masks on the grid of its image, and the side of the lesion that holds for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.images import file_of, mask_on, world_x
from neurotrial.extract.lesions import measure_lesion, side_of_scan, voxel_ml

if TYPE_CHECKING:
    from neurotrial.extract.bids.scans import Scan
    from neurotrial.extract.images import BoolArray, Grid
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["OpenedScan", "open_scan"]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedScan:
    """Masks of a scan.

    Attributes
    ----------
    affine : ndarray, shape (4, 4)
        Of the grid.
    x : ndarray, shape (x, y, z)
        Left-right coordinate of each voxel in mm, negative to the left.
    brain : ndarray of bool, shape (x, y, z)
        Brain mask.
    lesion_mask : ndarray of bool, shape (x, y, z), or None
        Empty for people without a lesion; None where it is missing.
    side : str or None
        Side of the lesion that holds for the scan; None where no source has one.
    note : str
        What should be known about lesion and side; empty where nothing is remarkable.
    """

    affine: Any
    x: Any
    brain: BoolArray
    lesion_mask: BoolArray | None
    side: str | None
    note: str


def open_scan(scan: Scan, grid: Grid, plan: ImagingPlan) -> OpenedScan:
    """Read the masks of a scan and decide which side of the lesion holds.

    Parameters
    ----------
    scan : Scan
        Its files.
    grid : Grid
        Of its image.
    plan : ImagingPlan
        Says which lesion side holds.

    Raises
    ------
    ScanFault
        If the brain mask is missing, a mask stands on another grid, or table and mask name different sides.
    """
    path = scan.files[scan.modality]
    brain = mask_on(file_of(scan.files, "brain", scan.folder, "*_desc-brain_mask.nii.gz"), grid, path)
    x = world_x(grid.shape[:3], grid.affine)
    lesion = _lesion(scan, grid)
    if lesion is None:
        note = "there is no lesion mask: the side of the lesion is that of participants"
        return OpenedScan(grid.affine, x, brain, None, scan.expected_side, note)
    where = scan.files["lesion"].name if "lesion" in scan.files else scan.name
    measured = measure_lesion(lesion, x, voxel_ml(grid.affine))
    side, note = side_of_scan(measured, scan.expected_side, plan.trust, where)
    return OpenedScan(grid.affine, x, brain, lesion, side, note)


def _lesion(scan: Scan, grid: Grid) -> BoolArray | None:
    if "lesion" in scan.files:
        return mask_on(scan.files["lesion"], grid, scan.files[scan.modality])
    return np.zeros(grid.shape[:3], dtype=bool) if scan.expected_side == "none" else None
