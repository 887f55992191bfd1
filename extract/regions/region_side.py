"""Whether a region lies in the hemisphere that its name says."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurotrial.extract.scan_result import ScanFault

__all__ = ["check_region_side"]

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


def check_region_side(mask: BoolArray, x: Any, hemisphere: str, where: str) -> None:
    """Refuse a region whose centre lies in the other hemisphere than its name says: a mirrored atlas.

    Parameters
    ----------
    mask : ndarray of bool, shape (x, y, z)
        The region.
    x : ndarray, shape (x, y, z)
        Left-right coordinate of each voxel in mm, negative to the left.
    hemisphere : {"left", "right"}
        Where the region should lie.
    where : str
        Its file, for the message.

    Raises
    ------
    ScanFault
        If the centroid lies on the other side of the midline, or the mask is empty.

    References
    ----------
    Rohlfing T. Front Neurosci 2013;7:4. https://doi.org/10.3389/fnins.2013.00004
    """
    if not mask.any():
        raise ScanFault(where, "is an empty mask", "make the region again")
    centre = float(x[mask].mean())
    if (centre < 0) != (hemisphere == "left"):
        rule = f"is named for the {hemisphere} hemisphere, but its centre lies at x = {centre:.1f} mm"
        raise ScanFault(where, rule, "mend the header, or the name: left is negative")
