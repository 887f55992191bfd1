"""What a resting-state scan begins with: the masks on the grid of its image, the lesion, and the side that holds for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurotrial.extract.images import file_of, mask_on, world_x
from neurotrial.extract.lesions import measure_lesion, side_of_scan, voxel_ml

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

    from neurotrial.extract.bids.scans import Scan
    from neurotrial.extract.images import BoolArray
    from neurotrial.extract.lesions import Lesion
    from neurotrial.imaging_plan import ImagingPlan

__all__ = ["OpenedScan", "open_scan"]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedScan:
    """A scan whose image and masks are read.

    Attributes
    ----------
    image : SpatialImage
        The series.
    x : ndarray, shape (x, y, z)
        Left-right coordinate of each voxel in mm, negative to the left.
    brain, lesion_mask : ndarray of bool, shape (x, y, z)
        Masks on the grid of the image.
    lesion : Lesion
        By its mask.
    side : str or None
        Side of the lesion that holds for the scan; None where no source has one.
    note : str
        What should be known about the side; empty where nothing is remarkable.
    """

    image: SpatialImage
    x: Any
    brain: BoolArray
    lesion_mask: BoolArray
    lesion: Lesion
    side: str | None
    note: str


def open_scan(scan: Scan, image: SpatialImage, plan: ImagingPlan) -> OpenedScan:
    """Read the masks of a scan and decide which side of the lesion holds.

    Parameters
    ----------
    scan : Scan
        Its files.
    image : SpatialImage
        The image of the scan's own modality.
    plan : ImagingPlan
        Says which lesion side holds.

    Raises
    ------
    ScanFault
        If a mask is missing or stands on another grid, or table and mask name different sides.
    """
    path = scan.files[scan.modality]
    brain = mask_on(file_of(scan.files, "brain", scan.folder, "*_desc-brain_mask.nii.gz"), image, path)
    lesion_path = file_of(scan.files, "lesion", scan.folder, "*_label-lesion_mask.nii.gz")
    lesion_mask = mask_on(lesion_path, image, path)
    x = world_x(image.shape[:3], image.affine)
    lesion = measure_lesion(lesion_mask, x, voxel_ml(image.affine))
    side, note = side_of_scan(lesion, scan.expected_side, plan.trust, lesion_path.name)
    return OpenedScan(image, x, brain, lesion_mask, lesion, side, note)
