"""Filling a lesion from a template, so that a deformable registration does not tear the tissue around it.

A lesion has no counterpart in a template; the registration would shrink it and carry the regions beside it away. Its voxels get
the template's values, matched in intensity to the healthy tissue, with a soft edge.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["fill_lesion", "match_intensity"]

FloatArray = np.ndarray[Any, np.dtype[np.float32]]

_TISSUE = 0.1
"""Share of the template's range from which a voxel is tissue."""
_EDGE_VOXELS = 1.0


def match_intensity(template: Any, subject: Any, used: Any) -> tuple[float, float]:
    """Fit the intensities of a subject by those of an aligned template, linearly.

    Parameters
    ----------
    template, subject : array
        On one grid.
    used : array of bool
        Healthy voxels.

    Returns
    -------
    slope, intercept : float
        Slope 1 and the difference of means where the template does not vary.
    """
    tissue = used & (template > _TISSUE * template.max())
    known, seen = np.asarray(template[tissue], dtype=float), np.asarray(subject[tissue], dtype=float)
    if not known.size or np.ptp(known) == 0:
        return 1.0, float(seen.mean() - known.mean()) if known.size else 0.0
    slope, intercept = np.polyfit(known, seen, 1)
    return float(slope), float(intercept)


def fill_lesion(subject: Any, lesion: Any, template: Any) -> FloatArray:
    """Replace a lesion by an aligned template.

    Parameters
    ----------
    subject : array
        The image with the lesion.
    lesion : array of bool
    template : array
        On the grid of the subject.

    Returns
    -------
    ndarray of float32
        The template's matched values inside the lesion, the subject's own outside, blended over about two voxels around it.
    """
    from scipy.ndimage import binary_dilation, gaussian_filter

    slope, intercept = match_intensity(template, subject, ~lesion)
    share = gaussian_filter(binary_dilation(lesion).astype(np.float32), _EDGE_VOXELS)
    share[lesion] = 1
    filled: FloatArray = (subject * (1 - share) + (slope * template + intercept) * share).astype(np.float32)
    return filled
