"""The volume of an atlas: label values or probability maps, on a canonical grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.errors import InputError, refuse
from neurotrial.extract.images import image_data, read_image
from neurotrial.extract.scan_result import ScanFault

if TYPE_CHECKING:
    from pathlib import Path

    from nibabel.spatialimages import SpatialImage

__all__ = ["MAPS", "atlas_volume", "open_volume"]

MAPS = 4
"""Dimensions of a file of probability maps."""
_PERCENT = 100.0


def open_volume(path: Path) -> Any:
    """Open a file of labels (three dimensions) or probability maps (four), as it is stored.

    Raises
    ------
    InputError
        If it is no readable image, has other dimensions, or an affine that is no coordinate system.
    """
    import nibabel as nib

    try:
        read_image(path, MAPS - 1, one_space=False)
    except ScanFault as fault:
        try:
            read_image(path, MAPS, one_space=False)
        except ScanFault:
            raise InputError([fault.problem]) from None
    return nib.load(path)


def atlas_volume(stored: Any, path: Path) -> SpatialImage:
    """Return the label values (int32) or weights (float32, 0 to 1) of a stored image on its canonical grid.

    Raises
    ------
    InputError
        If label values are not whole numbers, or maps are neither from 0 to 1 nor from 0 to 100.
    """
    import nibabel as nib

    image = nib.as_closest_canonical(stored)
    try:
        data = image_data(image, path)
    except ScanFault as fault:
        raise InputError([fault.problem]) from None
    values = _weights(data, path.name) if data.ndim == MAPS else _whole(data, path.name)
    volume: SpatialImage = nib.Nifti1Image(values, image.affine)
    return volume


def _whole(data: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    if not np.isfinite(data).all() or (data != np.rint(data)).any():
        rule = "is no volume of labels: it has values that are not whole numbers"
        raise refuse(name, rule, "give the volume of labels, or maps with four dimensions")
    return data.astype(np.int32)


def _weights(data: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    finite = np.isfinite(data).all()
    low, high = (float(data.min()), float(data.max())) if finite else (np.nan, np.nan)
    if not (low >= 0 and high <= _PERCENT):
        raise refuse(name, f"its maps run from {low:g} to {high:g}", "scale them to 0 to 1, or to 0 to 100")
    return data / _PERCENT if high > 1 else data
