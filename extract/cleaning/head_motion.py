"""Framewise displacement of the head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurotrial.extract.cleaning.columns import FD, PARAMETERS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["displacement_of", "framewise_displacement"]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

_HEAD_MM = 50.0


def framewise_displacement(parameters: FloatArray) -> FloatArray:
    """Return how far the head moved since the volume before, by Power.

    Parameters
    ----------
    parameters : ndarray, shape (n_volumes, 6)
        Three translations in mm, three rotations in rad.

    Returns
    -------
    ndarray, shape (n_volumes,)
        Sum of the absolute changes in mm, rotations as way on a sphere of 50 mm; NaN for the first volume.

    References
    ----------
    Power JD et al. NeuroImage 2012;59:2142-2154. https://doi.org/10.1016/j.neuroimage.2011.10.018

    Examples
    --------
    >>> import numpy as np
    >>> framewise_displacement(np.array([[0, 0, 0, 0, 0, 0], [0.1, 0, 0, 0.01, 0, 0]]))
    array([nan, 0.6])
    """
    change = np.abs(np.diff(np.asarray(parameters, dtype="float64"), axis=0))
    return np.concatenate([[np.nan], change @ np.repeat([1.0, _HEAD_MM], 3)])


def displacement_of(confounds: pd.DataFrame) -> FloatArray | None:
    """Return the framewise displacement of a table of confounds in mm, or that of its parameters; None where it has neither."""
    if FD in confounds:
        return confounds[FD].to_numpy(dtype="float64")
    if set(PARAMETERS) <= set(confounds):
        return framewise_displacement(confounds[list(PARAMETERS)].to_numpy(dtype="float64"))
    return None
