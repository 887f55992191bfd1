"""The lesion of a scan: volume, side by its mask, overlap with the tract, and whether the table agrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from neurotrial.extract.scan_result import ScanFault

__all__ = ["Lesion", "measure_lesion", "side_of_scan", "voxel_ml"]

_ONE_SIDED = 0.8
"""Share of the volume on one side of the midline from which a lesion belongs to that side."""

_MM3_PER_ML = 1000.0
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Lesion:
    """A lesion mask, summarised.

    Attributes
    ----------
    volume_ml : float
        Volume in ml.
    side : {"left", "right", "both", "none"}
        Side by volume; ``none`` for an empty mask.
    share_left : float
        Share of the volume left of the midline; NaN for an empty mask.
    """

    volume_ml: float
    side: Literal["left", "right", "both", "none"]
    share_left: float


def voxel_ml(affine: Any) -> float:
    """Return the volume of a voxel in ml."""
    return float(abs(np.linalg.det(np.asarray(affine)[:3, :3]))) / _MM3_PER_ML


def measure_lesion(mask: BoolArray, x: Any, voxel: float) -> Lesion:
    """Measure a lesion mask.

    Parameters
    ----------
    mask : ndarray of bool
        The lesion.
    x : ndarray
        Left-right coordinate of each voxel in mm, negative to the left.
    voxel : float
        Volume of a voxel in ml.
    """
    n = int(mask.sum())
    if not n:
        return Lesion(0.0, "none", float("nan"))
    left = float((x[mask] < 0).mean())
    if left >= _ONE_SIDED:
        side: Literal["left", "right", "both"] = "left"
    else:
        side = "right" if left <= 1 - _ONE_SIDED else "both"
    return Lesion(n * voxel, side, left)


def side_of_scan(
    lesion: Lesion, expected: str | None, trust: str | None, where: str
) -> tuple[str | None, str]:
    """Decide which side of the lesion holds for a scan.

    Parameters
    ----------
    lesion : Lesion
        By the mask.
    expected : str or None
        By the table `participants`.
    trust : {"table", "mask"} or None
        Which of the two holds where they disagree.
    where : str
        The mask's file, for the message.

    Returns
    -------
    str or None
        The side; None where neither source has one.
    str
        What should be known about it; empty where nothing is remarkable.

    Raises
    ------
    ScanFault
        If table and mask name different sides and neither is trusted.
    """
    if lesion.side == "none":
        return expected, "the lesion mask is empty" if expected not in {None, "none"} else ""
    if expected is None:
        return lesion.side, "the side of the lesion is that of its mask"
    if expected == lesion.side:
        return expected, ""
    share = f"{lesion.share_left:.0%} of the lesion is left of the midline"
    if trust is None:
        rule = f"participants says that the lesion is on the side {expected!r}, the mask says {lesion.side!r} ({share})"
        remedy = "correct the table or the mask, or declare `imaging: trust: table` or `mask` in study.yaml"
        raise ScanFault(where, rule, remedy)
    side = expected if trust == "table" else lesion.side
    return side, f"table and mask disagree about the side of the lesion ({share}); the {trust} is trusted"
